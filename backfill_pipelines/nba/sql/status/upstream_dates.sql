-- Grain: one row for each day of a range: what the schedule expects of a table, what is published, whether
-- it is part of an open repair, how the latest run ended.
WITH published AS (
  SELECT {partition_column} AS partition_date, COUNT(*) AS row_count
  FROM {published}
  WHERE {partition_column} BETWEEN @start_date AND @end_date
  GROUP BY {partition_column}
),
latest AS (
  SELECT
    data_date, success, skip_reason, error_message,
    ROW_NUMBER() OVER (PARTITION BY data_date ORDER BY processed_at DESC, attempt DESC) AS newest
  FROM nba_reference.processor_run_history
  WHERE data_date BETWEEN @start_date AND @end_date AND processor_name = @processor
),
open_repairs AS (
  SELECT DISTINCT partition_date
  FROM nba_reference.stale_partitions
  WHERE partition_date BETWEEN @start_date AND @end_date AND table_name = '{published}' AND resolved_at IS NULL
)
SELECT
  x.partition_date,
  x.state_expected,
  IFNULL(p.row_count, 0) AS row_count,
  s.partition_date IS NOT NULL AS is_stale,
  l.success,
  l.skip_reason,
  l.error_message
FROM nba_reference.expected_partitions AS x
LEFT JOIN published AS p ON p.partition_date = x.partition_date
LEFT JOIN open_repairs AS s ON s.partition_date = x.partition_date
LEFT JOIN latest AS l ON l.data_date = x.partition_date AND l.newest = 1
WHERE x.table_name = '{published}' AND x.partition_date BETWEEN @start_date AND @end_date
ORDER BY x.partition_date
