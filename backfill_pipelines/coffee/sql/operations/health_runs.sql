-- Grain: one row: runs of the days that ended well, and all that ended. Parameters: first, last (date).
SELECT count(*) FILTER (WHERE status = 'ok'), count(*) FROM scrape_runs
WHERE status IS NOT NULL AND COALESCE(partition_date, (started_at AT TIME ZONE 'UTC')::date) BETWEEN %(first)s AND %(last)s;
