-- One item for each team: its window holds the games before the date, and their points: nothing of the date or later,
-- nothing of another season. Points of a window are what was scored up to its newest game less up to the one before it.
WITH games AS (
  SELECT
    defending_team_abbr AS team, season_year, game_date,
    LEAD(game_date) OVER played AS next_game_date,
    ROW_NUMBER() OVER played AS n,
    SUM(points_allowed) OVER played AS points
  FROM nba_analytics.team_defense_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE) AND game_date <= @end_date
  WINDOW played AS (PARTITION BY season_year, defending_team_abbr ORDER BY game_date, game_id)
),
standings AS (
  SELECT day, g.team, g.season_year, g.game_date, g.n, g.points
  FROM games AS g
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(g.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(g.next_game_date, @end_date), @end_date)
  )) AS day
),
found AS (
  SELECT f.analysis_date, f.team_abbr, f.games_in_sample, f.opponent_points_per_game, s.season_year, s.opening
  FROM {staged} AS f
  LEFT JOIN nba_reference.seasons AS s
    ON f.analysis_date BETWEEN s.opening AND s.closing AND s.opening >= DATE '2021-10-19'
  WHERE f.analysis_date BETWEEN @start_date AND @end_date
),
judged AS (
  SELECT
    f.*, n.game_date AS newest, IFNULL(n.n, 0) AS n,
    SAFE_DIVIDE(CAST(n.points - IFNULL(b.points, 0) AS FLOAT64), IF(n.n < 15, n.n, 15)) AS points
  FROM found AS f
  LEFT JOIN standings AS n
    ON n.day = f.analysis_date AND n.team = f.team_abbr AND n.season_year = f.season_year
  LEFT JOIN games AS b ON b.team = n.team AND b.season_year = n.season_year AND b.n = n.n - 15
)
SELECT
  analysis_date AS partition_date,
  IFNULL(
    newest < analysis_date
      AND newest >= opening
      AND games_in_sample = IF(n < 15, n, 15)
      AND ABS(CAST(opponent_points_per_game AS FLOAT64) - points) < 0.051,
    FALSE
  ) AS ok,
  CONCAT(
    team_abbr, ' has ', IFNULL(CAST(games_in_sample AS STRING), 'NULL'), ' games and ',
    IFNULL(FORMAT('%.1f', opponent_points_per_game), 'NULL'), ' points, of ', CAST(n AS STRING),
    ' games before the date the window gives ', IFNULL(FORMAT('%.2f', points), 'NULL')
  ) AS culprit
FROM judged
