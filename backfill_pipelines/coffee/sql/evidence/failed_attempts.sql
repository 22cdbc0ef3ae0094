-- Grain: a fetch that gave no coverage: an error, a refusal, no products, or a process that died.
-- Parameters: roasters (uuid[]), start, "end" (timestamptz, half open).
SELECT source_id, started_at
FROM scrape_runs
WHERE roaster_id = ANY (%(roasters)s) AND source_id IS NOT NULL AND started_at >= %(start)s AND started_at < %(end)s
  AND job_type IN ('full_refresh', 'price_only') AND (status = 'fail' OR (status IS NULL AND lease_until < now()))
ORDER BY started_at;
