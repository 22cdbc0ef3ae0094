-- Grain: one row a failed run or an invalid artifact that has a newer success for the same source and day, with it.
-- Nothing that was published is among them: its observations would leave the fold.
-- Parameters, each null for all: roaster (text), day (date), backfill_run (uuid).
WITH failed_runs AS (
  SELECT r.*, COALESCE(r.partition_date, (r.started_at AT TIME ZONE 'UTC')::date) AS of_day FROM scrape_runs r
), found AS (
  SELECT 'run' AS kind, f.id, f.roaster_id, f.of_day AS day, f.backfill_run_id, (
      SELECT s.id FROM failed_runs s
      WHERE s.source_id IS NOT DISTINCT FROM f.source_id AND s.roaster_id = f.roaster_id AND s.of_day = f.of_day
        AND s.status = 'ok' AND (s.started_at, s.created_at) > (f.started_at, f.created_at)
      ORDER BY s.started_at DESC, s.id LIMIT 1) AS by
  FROM failed_runs f WHERE f.status = 'fail' AND f.superseded_by IS NULL
  UNION ALL
  SELECT 'artifact', a.id, a.roaster_id, a.partition_date, r.backfill_run_id, (
      SELECT s.id FROM scrape_artifacts s
      WHERE s.source_id = a.source_id AND s.partition_date = a.partition_date AND s.superseded_by IS NULL
        AND s.validation_status IN ('valid', 'valid_with_warnings', 'needs_review') AND s.processed_at IS NOT NULL
        AND (s.observed_at, s.created_at) > (a.observed_at, a.created_at)
      ORDER BY s.page = a.page DESC, s.observed_at DESC, s.id LIMIT 1)
  FROM scrape_artifacts a LEFT JOIN scrape_runs r ON r.id = a.run_id
  WHERE a.validation_status = 'invalid' AND a.superseded_by IS NULL
    AND NOT EXISTS (SELECT 1 FROM product_artifacts p WHERE p.artifact_id = a.id)
)
SELECT f.kind, f.id, f.by, o.slug, f.day FROM found f JOIN roasters o ON o.id = f.roaster_id
WHERE f.by IS NOT NULL AND (%(roaster)s::text IS NULL OR o.slug = %(roaster)s::text)
  AND (%(day)s::date IS NULL OR f.day = %(day)s::date)
  AND (%(backfill_run)s::uuid IS NULL OR f.backfill_run_id = %(backfill_run)s::uuid)
ORDER BY f.kind, f.id;
