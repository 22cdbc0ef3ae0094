-- One item for each player: his averages are those of the counted games before the date: nothing of the date or later,
-- nothing of another season. Points of a window are those up to its newest game less those up to the one before.
WITH games AS (
  SELECT
    player_lookup, season_year, game_date,
    LEAD(game_date) OVER played AS next_game_date,
    ROW_NUMBER() OVER played AS n,
    SUM(points) OVER played AS points
  FROM nba_analytics.player_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE)
    AND game_date <= @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
  WINDOW played AS (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id)
),
standings AS (
  SELECT day, g.player_lookup, g.season_year, g.game_date, g.n, g.points
  FROM games AS g
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(g.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(g.next_game_date, @end_date), @end_date)
  )) AS day
),
found AS (
  SELECT
    f.analysis_date, f.player_lookup, f.games_played_season, f.points_avg_season, f.points_avg_last_10,
    s.season_year, s.opening
  FROM {staged} AS f
  LEFT JOIN nba_reference.seasons AS s
    ON f.analysis_date BETWEEN s.opening AND s.closing AND s.opening >= DATE '2021-10-19'
  WHERE f.analysis_date BETWEEN @start_date AND @end_date
),
judged AS (
  SELECT
    f.*, n.game_date AS newest, IFNULL(n.n, 0) AS n,
    SAFE_DIVIDE(CAST(n.points AS FLOAT64), n.n) AS season_mean,
    SAFE_DIVIDE(CAST(n.points - IFNULL(b.points, 0) AS FLOAT64), IF(n.n < 10, n.n, 10)) AS window_mean
  FROM found AS f
  LEFT JOIN standings AS n
    ON n.day = f.analysis_date AND n.player_lookup = f.player_lookup AND n.season_year = f.season_year
  LEFT JOIN games AS b
    ON b.player_lookup = n.player_lookup AND b.season_year = n.season_year AND b.n = n.n - 10
)
SELECT
  analysis_date AS partition_date,
  IFNULL(
    newest < analysis_date
      AND newest >= opening
      AND games_played_season = n
      AND ABS(CAST(points_avg_season AS FLOAT64) - season_mean) < 0.051
      AND ABS(CAST(points_avg_last_10 AS FLOAT64) - window_mean) < 0.051,
    FALSE
  ) AS ok,
  CONCAT(
    player_lookup, ' has ', IFNULL(CAST(games_played_season AS STRING), 'NULL'), ' games, season ',
    IFNULL(FORMAT('%.1f', points_avg_season), 'NULL'), ', last 10 ', IFNULL(FORMAT('%.1f', points_avg_last_10), 'NULL'),
    ', of ', CAST(n AS STRING), ' games before the date ', IFNULL(FORMAT('%.2f', season_mean), 'NULL'), ' and ',
    IFNULL(FORMAT('%.2f', window_mean), 'NULL')
  ) AS culprit
FROM judged
