-- Expected games of each partition, and how many of them the staged table has; accepted holes count as had.
SELECT
  e.partition_date,
  COUNT(DISTINCT e.game_id) AS games_expected,
  COUNT(DISTINCT IF(s.game_id IS NOT NULL OR a.game_id IS NOT NULL, e.game_id, NULL)) AS games_found
FROM nba_reference.expected_games AS e
LEFT JOIN {staged} AS s ON s.game_id = e.game_id AND s.game_date BETWEEN @start_date AND @end_date
LEFT JOIN nba_reference.accepted_games AS a
  ON a.game_id = e.game_id AND a.game_date = e.partition_date AND a.table_name = '{table}'
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.partition_date
