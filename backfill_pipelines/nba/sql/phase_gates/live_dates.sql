-- Grain: (required table, expected date): whether the latest run of the date was a live one, and the digest it gave.
-- Live: set going by a sensor, a schedule or automation, and allowed to set downstream going.
SELECT
  s.partition_date,
  s.table_name,
  s.position,
  s.state,
  r.triggered_by,
  r.success,
  r.skip_downstream,
  r.partition_digest,
  IFNULL(r.success AND NOT r.skip_downstream AND r.triggered_by IN ('automation', 'sensor', 'schedule'), FALSE) AS is_live
FROM nba_reference.partition_states AS s
LEFT JOIN nba_reference.latest_runs AS r
  ON r.processor_name = s.processor_name
  AND r.data_date = s.partition_date
  AND r.data_date BETWEEN @start_date AND @end_date
WHERE s.is_required
  AND s.is_schedule_date
  AND s.state_expected = 'expected'
  AND s.partition_date BETWEEN @start_date AND @end_date
ORDER BY s.partition_date DESC, s.position
