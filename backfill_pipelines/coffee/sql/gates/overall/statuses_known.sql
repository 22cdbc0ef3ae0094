-- Artifacts pending for more than an hour, and runs that ended without a status.
WITH unknown AS (
  SELECT 'artifact ' || id AS culprit FROM scrape_artifacts
  WHERE validation_status = 'pending' AND superseded_by IS NULL AND created_at < now() - interval '1 hour'
  UNION ALL
  SELECT 'run ' || id FROM scrape_runs WHERE status IS NULL AND lease_until < now()
)
SELECT (SELECT count(*) FROM scrape_artifacts) + (SELECT count(*) FROM scrape_runs), count(*),
  (array_agg(culprit ORDER BY culprit))[1:20]
FROM unknown;
