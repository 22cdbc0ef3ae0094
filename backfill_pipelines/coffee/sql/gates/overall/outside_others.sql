-- Grain: a table and a roaster of which another run has written rows since a moment. Parameters: run, since.
WITH written AS (
  SELECT 'coffees' AS table_name, roaster_id, backfill_run_id FROM coffees WHERE updated_at >= %(since)s
  UNION ALL SELECT 'variants', roaster_id, backfill_run_id FROM variants WHERE updated_at >= %(since)s
  UNION ALL
  SELECT 'observations', p.roaster_id, p.backfill_run_id
  FROM scrape_artifacts a JOIN product_artifacts p ON p.artifact_id = a.id
  WHERE a.processed_at >= %(since)s
)
SELECT DISTINCT w.table_name || ' of ' || r.slug
FROM written w JOIN roasters r ON r.id = w.roaster_id
WHERE w.backfill_run_id <> %(run)s;
