-- One item for each expected game: the table has rows of it.
SELECT
  e.partition_date,
  COUNT(s.game_id) > 0 AS ok,
  CONCAT(e.game_id, ' has no rows') AS culprit
FROM nba_reference.expected_games AS e
LEFT JOIN {staged} AS s ON s.game_id = e.game_id AND s.game_date BETWEEN @start_date AND @end_date
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.partition_date, e.game_id
