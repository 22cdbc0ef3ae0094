-- Grain: (required table, schedule date) of a phase that is not accounted for, with what its latest run said.
SELECT s.table_name, s.partition_date, s.state, s.reason, s.keys_found, s.keys_expected, r.error_message
FROM nba_reference.partition_states AS s
LEFT JOIN nba_reference.latest_runs AS r
  ON r.processor_name = s.processor_name
  AND r.data_date = s.partition_date
  AND r.data_date BETWEEN @start_date AND @end_date
WHERE s.phase = @phase
  AND s.is_required
  AND s.is_schedule_date
  AND NOT s.is_accounted
  AND s.partition_date BETWEEN @start_date AND @end_date
ORDER BY s.partition_date, s.position
