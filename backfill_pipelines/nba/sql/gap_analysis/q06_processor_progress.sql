-- How many dates has each processor behind it, and how many of them failed?
-- Grain: one row for each processor, over the latest run of each date.
-- Corrected: latest row of (processor, date), so a failure that a retry cured counts as success, and a rerun does not
-- count twice. Days without games are left out: they succeed by doing nothing.
SELECT
  phase,
  processor_name,
  COUNT(*) AS dates_processed,
  MIN(data_date) AS earliest_date,
  MAX(data_date) AS latest_date,
  SUM(IF(success, 1, 0)) AS successful,
  SUM(IF(success, 0, 1)) AS failed,
  CAST(ROUND(SAFE_DIVIDE(100 * SUM(IF(success, 1, 0)), COUNT(*)), 2) AS NUMERIC) AS success_rate
FROM nba_reference.latest_runs
WHERE data_date BETWEEN @start_date AND @end_date
  AND IFNULL(skip_reason, '') NOT IN ('expected_empty:no_games', 'expected_empty:excluded_competition')
GROUP BY phase, processor_name
ORDER BY phase, processor_name
