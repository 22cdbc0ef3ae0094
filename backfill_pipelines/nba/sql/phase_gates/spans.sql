-- Grain: one row for each loaded season: its first and last day up to yesterday, and its schedule dates.
SELECT
  season,
  MIN(partition_date) AS first_day,
  MAX(partition_date) AS last_day,
  SUM(IF(is_schedule_date, 1, 0)) AS schedule_dates
FROM nba_reference.partition_states
WHERE table_name = 'nba_raw.nbac_schedule' AND partition_date BETWEEN @start_date AND @end_date
GROUP BY season
ORDER BY season
