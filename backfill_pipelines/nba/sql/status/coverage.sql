-- Expected keys of each partition, and how many of them the staged table has; accepted holes count as had.
SELECT
  e.partition_date,
  COUNT(DISTINCT e.key) AS keys_expected,
  COUNT(DISTINCT IF(s.{grain} IS NOT NULL OR a.game_id IS NOT NULL, e.key, NULL)) AS keys_found
FROM {expected} AS e
LEFT JOIN {staged} AS s
  ON s.{grain} = e.key
  AND s.{partition_column} = e.partition_date
  AND s.{partition_column} BETWEEN @start_date AND @end_date
LEFT JOIN nba_reference.accepted_games AS a
  ON a.game_id = e.key AND a.game_date = e.partition_date AND a.table_name = '{table}'
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.partition_date
