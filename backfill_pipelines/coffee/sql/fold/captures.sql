-- The captures of the touched sources, and which of them count as complete for statuses.
-- A capture of fewer than 70 % of the products of the previous one that was marked complete counts as partial, and so
-- does one with a page that is invalid or not published; a 304 counts as what the last capture with a body before it
-- counted.
INSERT INTO folded_captures (source_id, capture_id, observed_at, is_complete, has_dropped, products)
WITH pages AS (
  SELECT a.*, a.processed_at IS NOT NULL
    AND a.validation_status IN ('valid', 'valid_with_warnings', 'needs_review') AS is_good
  FROM scrape_artifacts a
  WHERE a.source_id IN (SELECT source_id FROM touched_coffees)
    AND a.superseded_by IS NULL AND a.validation_status <> 'superseded'
), captures AS (
  SELECT a.source_id, a.capture_id, min(a.observed_at) AS observed_at,
    bool_and(a.completeness = 'complete' AND a.is_good) AS said_complete, bool_or(a.completeness = 'not_modified') AS is_repeat,
    sum((SELECT count(*) FROM product_artifacts p WHERE p.artifact_id = a.id)) AS products
  FROM pages a
  GROUP BY a.source_id, a.capture_id HAVING bool_or(a.is_good)
), bodies AS (
  SELECT *, said_complete AND products < 0.7 * lag(products) OVER (
      PARTITION BY source_id, said_complete ORDER BY observed_at, capture_id) AS has_dropped
  FROM captures WHERE NOT is_repeat
)
SELECT b.source_id, b.capture_id, b.observed_at, b.said_complete AND NOT COALESCE(b.has_dropped, false),
  COALESCE(b.has_dropped, false), b.products
FROM bodies b
UNION ALL
SELECT r.source_id, r.capture_id, r.observed_at, COALESCE(last.is_complete, false), false, 0
FROM captures r
LEFT JOIN LATERAL (
  SELECT b.said_complete AND NOT COALESCE(b.has_dropped, false) AS is_complete FROM bodies b
  WHERE b.source_id = r.source_id AND b.observed_at < r.observed_at ORDER BY b.observed_at DESC, b.capture_id DESC LIMIT 1
) last ON true
WHERE r.is_repeat;
