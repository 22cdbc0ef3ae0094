-- Which dates must be run, and by which processors?
-- Grain: one row for each (date, phase) on which a processor never ran or failed last.
-- The processors are those of the required tables that the schedule expects on the date: five in phases 3 and 4,
-- schedule, team box and player lines in phase 2.
-- Corrected: dates that never ran are here, and so are dates on which three or four of five succeeded.
SELECT
  s.partition_date AS data_date,
  s.phase,
  SUM(IF(IFNULL(r.success, FALSE), 1, 0)) AS succeeded,
  ARRAY_AGG(IF(IFNULL(r.success, FALSE), NULL, s.processor_name) IGNORE NULLS ORDER BY s.position) AS to_run
FROM nba_reference.partition_states AS s
LEFT JOIN nba_reference.latest_runs AS r ON r.processor_name = s.processor_name AND r.data_date = s.partition_date
WHERE s.partition_date BETWEEN @start_date AND @end_date
  AND s.is_required
  AND s.is_schedule_date
  AND s.state_expected = 'expected'
GROUP BY s.partition_date, s.phase
HAVING SUM(IF(IFNULL(r.success, FALSE), 0, 1)) > 0
ORDER BY data_date, phase
