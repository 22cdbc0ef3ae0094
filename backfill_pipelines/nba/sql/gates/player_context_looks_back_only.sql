-- One item for each player: what he brings along is what his counted games before the date say.
WITH counted AS (
  SELECT
    player_lookup, season_year, game_date, minutes_played,
    ROW_NUMBER() OVER player AS n,
    SUM(points) OVER player AS points_so_far
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
  WINDOW player AS (PARTITION BY player_lookup, season_year ORDER BY game_date, game_id)
),
found AS (
  SELECT
    game_date, game_id, player_lookup, season_year, days_rest, games_in_last_14_days, minutes_in_last_14_days,
    l10_games_used, points_avg_last_10
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
),
recomputed AS (
  SELECT
    f.game_date, f.game_id, f.player_lookup, f.season_year,
    COUNT(c.n) AS games,
    DATE_DIFF(f.game_date, MAX(c.game_date), DAY) AS days_rest,
    MAX(c.game_date) AS newest,
    MAX(c.points_so_far) AS points_so_far,
    COUNT(IF(DATE_DIFF(f.game_date, c.game_date, DAY) <= 14, 1, NULL)) AS recent_games,
    SUM(IF(DATE_DIFF(f.game_date, c.game_date, DAY) <= 14, CAST(c.minutes_played AS FLOAT64), 0)) AS recent_minutes
  FROM found AS f
  LEFT JOIN counted AS c
    ON c.player_lookup = f.player_lookup AND c.season_year = f.season_year AND c.game_date < f.game_date
  GROUP BY f.game_date, f.game_id, f.player_lookup, f.season_year
),
judged AS (
  SELECT
    f.*, r.games, r.days_rest AS rest, r.newest, r.recent_games, IFNULL(r.recent_minutes, 0) AS recent_minutes,
    s.opening,
    SAFE_DIVIDE(CAST(r.points_so_far - IFNULL(c.points_so_far, 0) AS FLOAT64), LEAST(r.games, 10)) AS points
  FROM found AS f
  JOIN recomputed AS r ON r.game_id = f.game_id AND r.player_lookup = f.player_lookup
  LEFT JOIN nba_reference.seasons AS s ON s.season_year = f.season_year AND s.opening >= DATE '2021-10-19'
  LEFT JOIN counted AS c
    ON c.player_lookup = r.player_lookup AND c.season_year = r.season_year AND c.n = r.games - 10
)
SELECT
  game_date AS partition_date,
  l10_games_used = LEAST(games, 10)
    AND games_in_last_14_days = recent_games
    AND ABS(minutes_in_last_14_days - recent_minutes) < 0.51
    AND IFNULL(days_rest, 0) = IFNULL(rest, 0)
    AND IFNULL(ABS(CAST(points_avg_last_10 AS FLOAT64) - points) < 0.051, points_avg_last_10 IS NULL AND games = 0)
    AND opening IS NOT NULL
    AND (games = 0 OR newest >= opening) AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' games ', CAST(l10_games_used AS STRING), ' of ', CAST(games AS STRING),
    ' before the date, in 14 days ', CAST(games_in_last_14_days AS STRING), ' of ', CAST(recent_games AS STRING),
    ', minutes ', CAST(minutes_in_last_14_days AS STRING), ' of ', CAST(ROUND(recent_minutes, 2) AS STRING),
    ', mean points ', IFNULL(CAST(points_avg_last_10 AS STRING), 'NULL'), ' of ',
    IFNULL(CAST(ROUND(points, 2) AS STRING), 'NULL'), ', rest ', IFNULL(CAST(days_rest AS STRING), 'NULL'), ' of ',
    IFNULL(CAST(rest AS STRING), 'NULL')
  ) AS culprit
FROM judged
