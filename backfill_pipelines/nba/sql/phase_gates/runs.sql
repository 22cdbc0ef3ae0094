-- Grain: one row for each required table of a phase: how the latest run of each schedule date ended.
-- A date that never ran counts as not successful: rows that no run vouches for prove nothing.
SELECT
  s.table_name,
  s.processor_name,
  COUNT(*) AS dates,
  SUM(IF(r.success, 1, 0)) AS successful,
  SUM(IF(NOT r.success, 1, 0)) AS failed,
  SUM(IF(r.success IS NULL, 1, 0)) AS never_run
FROM nba_reference.partition_states AS s
LEFT JOIN nba_reference.latest_runs AS r
  ON r.processor_name = s.processor_name
  AND r.data_date = s.partition_date
  AND r.data_date BETWEEN @start_date AND @end_date
WHERE s.phase = @phase
  AND s.is_required
  AND s.is_schedule_date
  AND s.partition_date BETWEEN @start_date AND @end_date
GROUP BY s.table_name, s.processor_name, s.position
ORDER BY s.position
