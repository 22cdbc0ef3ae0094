-- On which dates did some processors of a phase succeed and others not?
-- Grain: one row for each (date, phase) on which something ran and not everything succeeded.
-- The processors are those of the required tables that the schedule expects on the date: five in phases 3 and 4,
-- schedule, team box and player lines in phase 2.
-- Corrected: latest status of each processor instead of counts of runs; processors that never ran are counted.
WITH dates AS (
  SELECT
    s.partition_date AS data_date,
    s.phase,
    COUNT(*) AS total,
    SUM(IF(IFNULL(r.success, FALSE), 1, 0)) AS successful,
    SUM(IF(NOT IFNULL(r.success, TRUE), 1, 0)) AS failed,
    SUM(IF(r.success IS NULL, 1, 0)) AS never_run
  FROM nba_reference.partition_states AS s
  LEFT JOIN nba_reference.latest_runs AS r ON r.processor_name = s.processor_name AND r.data_date = s.partition_date
  WHERE s.partition_date BETWEEN @start_date AND @end_date
    AND s.is_required
    AND s.is_schedule_date
    AND s.state_expected = 'expected'
  GROUP BY s.partition_date, s.phase
)
SELECT
  data_date,
  phase,
  total,
  successful,
  failed,
  never_run,
  IF(successful > 0, 'PARTIAL', IF(never_run > 0, 'NONE SUCCEEDED', 'ALL FAILED')) AS status
FROM dates
WHERE successful < total AND never_run < total
ORDER BY data_date, phase
