-- One item for each team row: its points are the score that the schedule has.
SELECT
  s.game_date AS partition_date,
  s.points = IF(s.is_home, e.home_team_score, e.away_team_score) AS ok,
  CONCAT(
    s.game_id, '/', s.team_abbr, ' has ', CAST(s.points AS STRING), ' points, the schedule ',
    IFNULL(CAST(IF(s.is_home, e.home_team_score, e.away_team_score) AS STRING), 'no score')
  ) AS culprit
FROM {staged} AS s
LEFT JOIN nba_reference.expected_games AS e ON e.game_id = s.game_id AND e.partition_date = s.game_date
WHERE s.game_date BETWEEN @start_date AND @end_date
