-- Which dates must be retried?
-- Grain: one row for each date with an unresolved failure.
-- Corrected: a date stays until the failed processor itself succeeds; in the original any success removed it.
SELECT data_date, ARRAY_AGG(processor_name ORDER BY processor_name) AS processors
FROM nba_reference.latest_runs
WHERE data_date BETWEEN @start_date AND @end_date AND NOT success
GROUP BY data_date
ORDER BY data_date
