-- Grain: one row for each partition of a range: its state by data, its rows, and why the latest run left it open.
-- A date counts as accounted for when its latest run ended well and the data are what the schedule expects, or
-- the table is optional and its run ended well; and no open repair waits for it.
WITH published AS (
  SELECT {partition_column} AS partition_date, COUNT(*) AS row_count
  FROM {published}
  WHERE {partition_column} BETWEEN @start_date AND @end_date
  GROUP BY {partition_column}
),
keys AS (
  SELECT
    e.partition_date,
    COUNT(DISTINCT e.key) AS expected,
    COUNT(DISTINCT IF(p.{grain} IS NOT NULL, e.key, NULL)) AS found,
    COUNT(DISTINCT IF(s.{grain} IS NOT NULL, e.key, NULL)) AS staged
  FROM {expected} AS e
  LEFT JOIN {published} AS p
    ON p.{grain} = e.key
    AND p.{partition_column} = e.partition_date
    AND p.{partition_column} BETWEEN @start_date AND @end_date
  LEFT JOIN {staged} AS s
    ON s.{grain} = e.key
    AND s.{partition_column} = e.partition_date
    AND s.{partition_column} BETWEEN @start_date AND @end_date
  WHERE e.partition_date BETWEEN @start_date AND @end_date
  GROUP BY e.partition_date
),
latest AS (
  SELECT
    data_date, success, error_message, rows_quarantined,
    ROW_NUMBER() OVER (PARTITION BY data_date ORDER BY processed_at DESC, attempt DESC) AS newest
  FROM nba_reference.processor_run_history
  WHERE data_date BETWEEN @start_date AND @end_date AND processor_name = @processor
),
stale AS (
  SELECT partition_date, MIN(ARRAY_TO_STRING(reason_chain, ' <- ')) AS chain
  FROM nba_reference.stale_partitions
  WHERE partition_date BETWEEN @start_date AND @end_date AND table_name = '{published}' AND resolved_at IS NULL
  GROUP BY partition_date
)
SELECT
  x.partition_date,
  CASE
    WHEN NOT IFNULL(l.success, FALSE) AND IFNULL(k.staged, 0) > 0 AND IFNULL(k.found, 0) = 0 THEN 'partial'
    WHEN l.success IS NULL AND IFNULL(p.row_count, 0) = 0 THEN 'missing'
    WHEN IFNULL(k.found, 0) = IFNULL(k.expected, 0) AND s.partition_date IS NOT NULL THEN 'stale'
    WHEN x.state_expected = 'expected_empty' AND IFNULL(p.row_count, 0) = 0 THEN 'expected_empty'
    WHEN IFNULL(k.expected, 0) = 0 AND IFNULL(p.row_count, 0) > 0 THEN 'complete'
    WHEN IFNULL(k.found, 0) = 0 THEN 'missing'
    WHEN k.found < k.expected THEN 'partial'
    WHEN l.rows_quarantined > 0 THEN 'quarantined'
    ELSE 'complete'
  END AS state,
  IFNULL(p.row_count, 0) AS row_count,
  IFNULL(l.success, FALSE) AND s.partition_date IS NULL AS is_accounted,
  COALESCE(l.error_message, CONCAT('stale: ', s.chain, '. Repair: backfill repair run nba')) AS why
FROM nba_reference.expected_partitions AS x
LEFT JOIN published AS p ON p.partition_date = x.partition_date
LEFT JOIN keys AS k ON k.partition_date = x.partition_date
LEFT JOIN stale AS s ON s.partition_date = x.partition_date
LEFT JOIN latest AS l ON l.data_date = x.partition_date AND l.newest = 1
WHERE x.table_name = '{published}' AND x.partition_date IN (SELECT day FROM UNNEST(@partitions) AS day)
ORDER BY x.partition_date
