-- One item for each player row, and one for each game: values lie in range, exactly one team won.
SELECT
  game_date AS partition_date,
  points BETWEEN 0 AND 110
    AND IFNULL(minutes_played, 0) BETWEEN 0 AND 70
    AND IFNULL(usage_rate, 0) BETWEEN 0 AND 100 AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' points ', CAST(points AS STRING), ', minutes ',
    IFNULL(CAST(minutes_played AS STRING), 'NULL'), ', usage ', IFNULL(CAST(usage_rate AS STRING), 'NULL')
  ) AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT
  game_date AS partition_date,
  COUNT(DISTINCT IF(win_flag, team_abbr, NULL)) = 1 AS ok,
  CONCAT(game_id, ' has ', CAST(COUNT(DISTINCT IF(win_flag, team_abbr, NULL)) AS STRING), ' winners') AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date
GROUP BY game_date, game_id
