-- Grain: one row a run whose process has not been heard of within its lease. Parameters: now (timestamptz).
SELECT r.id, o.slug, COALESCE(r.partition_date, (r.started_at AT TIME ZONE 'UTC')::date) AS day, r.lease_until
FROM scrape_runs r JOIN roasters o ON o.id = r.roaster_id
WHERE r.status IS NULL AND r.lease_until < %(now)s
ORDER BY r.lease_until, r.id;
