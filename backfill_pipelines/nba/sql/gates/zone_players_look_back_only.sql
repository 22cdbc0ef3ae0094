-- One item for each player: his windows hold the counted games before the date, and their shots: nothing of the date or
-- later, nothing of another season. Shots of a window are those up to its newest game less those up to the one before.
WITH games AS (
  SELECT
    player_lookup, season_year, game_date,
    LEAD(game_date) OVER played AS next_game_date,
    ROW_NUMBER() OVER played AS n,
    SUM(IFNULL(paint_attempts + mid_range_attempts + three_attempts_pbp, 0)) OVER played AS shots
  FROM nba_analytics.player_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE)
    AND game_date <= @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
  WINDOW played AS (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id)
),
standings AS (
  SELECT day, g.player_lookup, g.season_year, g.game_date, g.n, g.shots
  FROM games AS g
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(g.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(g.next_game_date, @end_date), @end_date)
  )) AS day
),
found AS (
  SELECT
    f.analysis_date, f.player_lookup, f.games_in_sample_10, f.games_in_sample_20, f.total_shots_last_10,
    s.season_year, s.opening
  FROM {staged} AS f
  LEFT JOIN nba_reference.seasons AS s
    ON f.analysis_date BETWEEN s.opening AND s.closing AND s.opening >= DATE '2021-10-19'
  WHERE f.analysis_date BETWEEN @start_date AND @end_date
),
judged AS (
  SELECT
    f.*, n.game_date AS newest, IFNULL(n.n, 0) AS n, n.shots - IFNULL(b.shots, 0) AS shots
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
      AND games_in_sample_10 = IF(n < 10, n, 10)
      AND games_in_sample_20 = IF(n < 20, n, 20)
      AND total_shots_last_10 = shots,
    FALSE
  ) AS ok,
  CONCAT(
    player_lookup, ' has ', IFNULL(CAST(games_in_sample_10 AS STRING), 'NULL'), ' and ',
    IFNULL(CAST(games_in_sample_20 AS STRING), 'NULL'), ' games and ',
    IFNULL(CAST(total_shots_last_10 AS STRING), 'NULL'), ' shots, of ', CAST(n AS STRING),
    ' games before the date the window gives ', IFNULL(CAST(shots AS STRING), 'NULL')
  ) AS culprit
FROM judged
