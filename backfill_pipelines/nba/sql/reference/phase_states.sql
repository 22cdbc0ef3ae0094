-- Grain: (phase, partition_date), schedule dates only: the state of a phase on a date, over its required tables.
-- incomplete: a table is missing, partial or stale. unrecoverable: the rest of the date is complete.
SELECT
  phase,
  partition_date,
  season,
  calendar_year,
  COUNT(*) AS tables,
  CASE
    WHEN SUM(IF(is_accounted, 0, 1)) > 0 THEN 'incomplete'
    WHEN SUM(IF(state = 'expected_empty', 0, 1)) = 0 THEN 'expected_empty'
    WHEN SUM(IF(state = 'unrecoverable', 1, 0)) > 0 THEN 'unrecoverable'
    ELSE 'complete'
  END AS state
FROM nba_reference.partition_states
WHERE is_required AND is_schedule_date AND partition_date >= DATE '2021-10-19'
GROUP BY phase, partition_date, season, calendar_year
