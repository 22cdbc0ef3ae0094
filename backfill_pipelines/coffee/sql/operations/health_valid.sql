-- Grain: one row: judged artifacts of the days that are not invalid, and all that were judged.
-- Parameters: first, last (date).
SELECT count(*) FILTER (WHERE validation_status <> 'invalid'), count(*) FROM scrape_artifacts
WHERE validation_status NOT IN ('pending', 'superseded') AND partition_date BETWEEN %(first)s AND %(last)s;
