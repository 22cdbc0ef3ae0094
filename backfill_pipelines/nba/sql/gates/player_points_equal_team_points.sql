-- One item for each team row of the box score: points, attempts and rebounds of its players add up to it. Where their
-- absence was accepted, there may be none.
WITH sums AS (
  SELECT
    game_id, team_abbr,
    SUM(points) AS points,
    SUM(field_goals_attempted) AS attempts,
    SUM(total_rebounds) AS rebounds
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
  GROUP BY game_id, team_abbr
)
SELECT
  t.game_date AS partition_date,
  IFNULL(s.points = t.points AND s.attempts = t.fg_attempted AND s.rebounds = t.total_rebounds, a.game_id IS NOT NULL)
    AS ok,
  CONCAT(
    t.game_id, '/', t.team_abbr, ' players ', IFNULL(CAST(s.points AS STRING), '0'), ' points ',
    IFNULL(CAST(s.attempts AS STRING), '0'), ' FGA ', IFNULL(CAST(s.rebounds AS STRING), '0'), ' rebounds, team ',
    CAST(t.points AS STRING), ' ', CAST(t.fg_attempted AS STRING), ' ', CAST(t.total_rebounds AS STRING)
  ) AS culprit
FROM nba_raw.nbac_team_boxscore AS t
LEFT JOIN sums AS s ON s.game_id = t.game_id AND s.team_abbr = t.team_abbr
LEFT JOIN nba_reference.accepted_games AS a
  ON a.game_id = t.game_id AND a.game_date = t.game_date AND a.table_name = '{table}'
WHERE t.game_date BETWEEN @start_date AND @end_date
