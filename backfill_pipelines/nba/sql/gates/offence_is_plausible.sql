-- One item for each team row: points, possessions, pace and rating lie where basketball is played.
SELECT
  game_date AS partition_date,
  IFNULL(
    points_scored BETWEEN 50 AND 200
      AND possessions BETWEEN 70 AND 150
      AND pace BETWEEN 70 AND 130
      AND offensive_rating BETWEEN 60 AND 165,
    FALSE
  ) AS ok,
  CONCAT(
    game_id, '/', team_abbr, ' points ', CAST(points_scored AS STRING), ', possessions ',
    IFNULL(CAST(possessions AS STRING), 'NULL'), ', pace ', IFNULL(CAST(pace AS STRING), 'NULL'), ', rating ',
    IFNULL(CAST(offensive_rating AS STRING), 'NULL')
  ) AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date
