-- Grain: one row a figure of the restart: what there is of each status, and what has been left behind.
-- Parameters: now (timestamptz).
SELECT 'runs: ' || COALESCE(status::text, 'no status') AS name, count(*) AS count FROM scrape_runs GROUP BY status
UNION ALL
SELECT 'runs: superseded', count(*) FROM scrape_runs WHERE superseded_by IS NOT NULL
UNION ALL
SELECT 'artifacts: ' || validation_status::text, count(*) FROM scrape_artifacts GROUP BY validation_status
UNION ALL
SELECT 'partitions: ' || state, count(*) FROM backfill_partitions GROUP BY state
UNION ALL
SELECT 'leases: run out', (SELECT count(*) FROM scrape_runs WHERE status IS NULL AND lease_until < %(now)s)
  + (SELECT count(*) FROM backfill_partitions WHERE state = 'running' AND lease_until < %(now)s)
ORDER BY 1;
