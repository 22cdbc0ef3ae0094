-- One item for each player of a game: behind his scores stand the counted games before the date, and shot zones exactly
-- if there are five of them: nothing of the date or later, nothing of another season.
WITH games AS (
  SELECT
    player_lookup, season_year, game_date,
    LEAD(game_date) OVER played AS next_game_date,
    ROW_NUMBER() OVER played AS n
  FROM nba_analytics.player_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE)
    AND game_date <= @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
  WINDOW played AS (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id)
),
standings AS (
  SELECT day, g.player_lookup, g.season_year, g.game_date, g.n
  FROM games AS g
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(g.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(g.next_game_date, @end_date), @end_date)
  )) AS day
),
found AS (
  SELECT
    f.analysis_date, f.player_lookup, f.game_id, f.game_date, f.actual_games_count,
    EXISTS (
      SELECT 1 FROM UNNEST(f.missing_data_fields) AS field WHERE field = 'player_shot_zone_analysis'
    ) AS lacks_zones,
    s.season_year, s.opening
  FROM {staged} AS f
  LEFT JOIN nba_reference.seasons AS s
    ON f.analysis_date BETWEEN s.opening AND s.closing AND s.opening >= DATE '2021-10-19'
  WHERE f.analysis_date BETWEEN @start_date AND @end_date
),
judged AS (
  SELECT
    f.*, n.game_date AS newest, IFNULL(n.n, 0) AS n
  FROM found AS f
  LEFT JOIN standings AS n
    ON n.day = f.analysis_date AND n.player_lookup = f.player_lookup AND n.season_year = f.season_year
)
SELECT
  analysis_date AS partition_date,
  IFNULL(
    opening IS NOT NULL
      AND game_date = analysis_date
      AND (n = 0 OR (newest < analysis_date AND newest >= opening))
      AND actual_games_count = IF(n < 10, n, 10)
      AND lacks_zones = (n < 5),
    FALSE
  ) AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' has ', IFNULL(CAST(actual_games_count AS STRING), 'NULL'), ' games, ',
    IF(lacks_zones, 'no', 'with'), ' zones, of ', CAST(n AS STRING), ' games before the date'
  ) AS culprit
FROM judged
