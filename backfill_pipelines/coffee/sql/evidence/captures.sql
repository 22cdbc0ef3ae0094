-- Grain: a capture, all its pages together, as the expected set is judged from it.
-- Parameters: roasters (uuid[]), start, "end" (timestamptz, half open), transform, normalizer (versions in force).
WITH pages AS (
  SELECT a.*, a.validation_status = 'invalid' AS is_invalid, EXISTS (
      SELECT FROM product_artifacts p WHERE p.artifact_id = a.id
        AND (p.transform_version, p.normalizer_version) <> (%(transform)s, %(normalizer)s)) AS has_old_products,
    EXISTS (SELECT FROM quarantine q WHERE q.artifact_id = a.id AND q.state = 'open') AS has_quarantined
  FROM scrape_artifacts a
  WHERE a.roaster_id = ANY (%(roasters)s) AND a.observed_at >= %(start)s AND a.observed_at < %(end)s
    AND a.superseded_by IS NULL AND a.validation_status <> 'superseded'
), captures AS (
  SELECT capture_id, source_id, roaster_id, min(observed_at) AS observed_at, max(created_at) AS created_at,
    bool_and(is_invalid) AS is_invalid, bool_or(is_invalid) AS has_invalid,
    -- Pages share the completeness; where they do not, the least whole one counts.
    (array_agg(completeness ORDER BY array_position('{partial,unknown,filtered,not_modified,complete}', completeness)))[1]
      AS completeness,
    bool_and(processed_at IS NOT NULL OR is_invalid) AS is_published,
    bool_or(processed_at IS NOT NULL
      AND (has_old_products OR normalizer_version IS DISTINCT FROM %(normalizer)s)) AS is_old,
    bool_or(has_quarantined) AS has_quarantined,
    (array_agg(validation_status::text ORDER BY
      array_position('{pending,needs_review,valid_with_warnings,valid}', validation_status::text)))[1] AS status
  FROM pages
  GROUP BY capture_id, source_id, roaster_id
)
SELECT c.source_id, c.observed_at, c.has_quarantined, c.is_published, NOT c.is_old AS is_current,
  CASE WHEN c.has_invalid AND NOT c.is_invalid THEN 'partial' ELSE c.completeness END AS completeness,
  CASE WHEN c.is_invalid THEN 'invalid' ELSE c.status END AS status,
  NOT c.is_published AND COALESCE(judged.state = 'failed' AND judged.updated_at >= c.created_at, false) AS is_red,
  c.completeness = 'not_modified' AND COALESCE(confirmed.completeness = 'complete', false) AS confirms_complete
FROM captures c
LEFT JOIN LATERAL (
  SELECT b.state, b.updated_at FROM backfill_partitions b
  WHERE b.roaster_id = c.roaster_id AND b.day = (c.observed_at AT TIME ZONE 'UTC')::date AND b.verdict IS NOT NULL
    AND EXISTS (SELECT FROM backfill_runs r WHERE r.id = b.backfill_run_id AND r.mode <> 'validation')
  ORDER BY b.updated_at DESC LIMIT 1) judged ON NOT c.is_published
LEFT JOIN LATERAL (
  SELECT a.completeness FROM scrape_artifacts a
  WHERE a.source_id = c.source_id AND a.observed_at < c.observed_at AND a.completeness <> 'not_modified'
    AND a.superseded_by IS NULL AND a.validation_status NOT IN ('invalid', 'superseded')
  ORDER BY a.observed_at DESC LIMIT 1) confirmed ON c.completeness = 'not_modified'
ORDER BY c.source_id, c.observed_at;
