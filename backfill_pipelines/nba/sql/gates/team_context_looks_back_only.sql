-- One item for each team of a game: what it brings along is what its finals before the date say, by the schedule.
WITH results AS (
  SELECT
    e.partition_date, e.season_year, team,
    (team = e.home_team_tricode) = (e.home_team_score > e.away_team_score) AS has_won
  FROM nba_reference.expected_games AS e
  CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
  WHERE e.partition_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
),
found AS (
  SELECT
    game_date, game_id, team_abbr, season_year, game_number_in_season, games_in_last_14_days, win_pct_entering,
    actual_games_count, DATE_SUB(game_date, INTERVAL IFNULL(team_days_rest, 1) DAY) AS newest
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
),
recomputed AS (
  SELECT
    f.game_date, f.game_id, f.team_abbr,
    MAX(f.newest) AS newest,
    MAX(f.game_number_in_season) AS game_number,
    MAX(f.games_in_last_14_days) AS recent,
    MAX(CAST(f.win_pct_entering AS FLOAT64)) AS win_share,
    MAX(f.actual_games_count) AS results_read,
    COUNT(r.team) AS games,
    COUNT(IF(r.has_won, 1, NULL)) AS wins,
    COUNT(IF(DATE_DIFF(f.game_date, r.partition_date, DAY) <= 14, 1, NULL)) AS recent_games,
    MAX(s.opening) AS opening
  FROM found AS f
  LEFT JOIN nba_reference.seasons AS s ON s.season_year = f.season_year AND s.opening >= DATE '2021-10-19'
  LEFT JOIN results AS r
    ON r.team = f.team_abbr AND r.season_year = f.season_year AND r.partition_date < f.game_date
  GROUP BY f.game_date, f.game_id, f.team_abbr
)
SELECT
  game_date AS partition_date,
  game_number = games + 1
    AND recent = recent_games
    -- A share of wins is compared when all results were there to be read.
    AND (results_read != games OR IFNULL(ABS(win_share - SAFE_DIVIDE(CAST(wins AS FLOAT64), games)) < 0.001, games = 0))
    AND results_read <= games
    AND newest < game_date
    AND opening IS NOT NULL
    AND (newest >= opening OR games = 0) AS ok,
  CONCAT(
    game_id, '/', team_abbr, ' game ', CAST(game_number AS STRING), ' after ', CAST(games AS STRING),
    ' finals, ', CAST(recent AS STRING), ' in 14 days after ', CAST(recent_games AS STRING), ', won ',
    IFNULL(CAST(win_share AS STRING), 'NULL'), ' after ', CAST(wins AS STRING), ' wins, last on ',
    CAST(newest AS STRING)
  ) AS culprit
FROM recomputed
