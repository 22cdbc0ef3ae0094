-- One item for each player of a game: rest, games and mean points are those of the counted games before the date:
-- nothing of the date or later, nothing of another season.
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
    f.analysis_date, f.player_lookup, f.game_id, f.game_date, f.days_rest, f.early_season_flag,
    f.actual_games_count, f.features[SAFE_OFFSET(2)] AS mean_points,
    s.season_year, s.opening
  FROM {staged} AS f
  LEFT JOIN nba_reference.seasons AS s
    ON f.analysis_date BETWEEN s.opening AND s.closing AND s.opening >= DATE '2021-10-19'
  WHERE f.analysis_date BETWEEN @start_date AND @end_date
),
judged AS (
  SELECT
    f.*, n.game_date AS newest, IFNULL(n.n, 0) AS n,
    SAFE_DIVIDE(CAST(n.points AS FLOAT64), n.n) AS season_mean
  FROM found AS f
  LEFT JOIN standings AS n
    ON n.day = f.analysis_date AND n.player_lookup = f.player_lookup AND n.season_year = f.season_year
)
SELECT
  analysis_date AS partition_date,
  IFNULL(
    opening IS NOT NULL
      AND game_date = analysis_date
      AND early_season_flag = (n < 10)
      AND actual_games_count = IF(n < 10, n, 10)
      AND IF(
        n = 0,
        days_rest IS NULL,
        newest < analysis_date
          AND newest >= opening
          AND days_rest = DATE_DIFF(analysis_date, newest, DAY)
          AND ABS(mean_points - season_mean) < 0.051
      ),
    FALSE
  ) AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' has ', IFNULL(CAST(actual_games_count AS STRING), 'NULL'), ' games, rest ',
    IFNULL(CAST(days_rest AS STRING), 'NULL'), ', mean points ', IFNULL(FORMAT('%.2f', mean_points), 'NULL'), ', of ',
    CAST(n AS STRING), ' games before the date, the newest on ', IFNULL(CAST(newest AS STRING), 'no day'), ', ',
    IFNULL(FORMAT('%.2f', season_mean), 'NULL')
  ) AS culprit
FROM judged
