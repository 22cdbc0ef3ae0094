-- One item for each team of a game: usage, weighted by minutes, is a fifth of the team's within 18.5 to 20.5.
SELECT
  game_date AS partition_date,
  IFNULL(
    SAFE_DIVIDE(
      SUM(CAST(usage_rate AS FLOAT64) * CAST(minutes_played AS FLOAT64)),
      SUM(IF(usage_rate IS NULL, 0, CAST(minutes_played AS FLOAT64)))
    ) BETWEEN 18.5 AND 20.5,
    FALSE
  ) AS ok,
  CONCAT(
    game_id, '/', team_abbr, ' mean usage ',
    IFNULL(
      CAST(ROUND(
        SAFE_DIVIDE(
          SUM(CAST(usage_rate AS FLOAT64) * CAST(minutes_played AS FLOAT64)),
          SUM(IF(usage_rate IS NULL, 0, CAST(minutes_played AS FLOAT64)))
        ), 2) AS STRING),
      'NULL'
    )
  ) AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date
GROUP BY game_date, game_id, team_abbr
