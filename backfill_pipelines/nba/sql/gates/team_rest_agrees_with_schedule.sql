-- One item for each team of a game: its rest is the days since its last final of the season, at least 1.
WITH finals AS (
  SELECT e.partition_date, e.season_year, team
  FROM nba_reference.expected_games AS e
  CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
  WHERE e.partition_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
),
found AS (
  SELECT game_date, game_id, team_abbr, season_year, team_days_rest
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
),
rests AS (
  SELECT
    f.game_date, f.game_id, f.team_abbr, f.team_days_rest,
    DATE_DIFF(f.game_date, MAX(s.partition_date), DAY) AS days_rest
  FROM found AS f
  LEFT JOIN finals AS s
    ON s.team = f.team_abbr AND s.season_year = f.season_year AND s.partition_date < f.game_date
  GROUP BY f.game_date, f.game_id, f.team_abbr, f.team_days_rest
)
SELECT
  game_date AS partition_date,
  IFNULL(team_days_rest, -1) = IFNULL(days_rest, -1) AS ok,
  CONCAT(
    game_id, '/', team_abbr, ' rest ', IFNULL(CAST(team_days_rest AS STRING), 'NULL'),
    ', the schedule says ', IFNULL(CAST(days_rest AS STRING), 'NULL')
  ) AS culprit
FROM rests
