-- Grain: (analysis_date, player_lookup): the players of upcoming_player_game_context who have at least five counted
-- games of the season before the date.
-- Inputs: upcoming_player_game_context and player_shot_zone_analysis of the date; player_game_summary and
-- team_offense_game_summary of the season, strictly before it; calendar_days.
WITH dates AS (
  SELECT partition_date AS analysis_date
  FROM nba_reference.calendar_days
  WHERE partition_date BETWEEN @start_date AND @end_date AND expected_games > 0 AND NOT is_bootstrap
),
-- A season window has at most 253 days. Sums are of whole numbers and exact decimals, in any order the same.
states AS (
  SELECT
    player_lookup,
    season_year,
    game_date,
    LEAD(game_date) OVER played AS next_game_date,
    COUNT(*) OVER so_far AS games,
    COUNT(*) OVER last_10 AS games_10,
    COUNT(*) OVER last_5 AS games_5,
    SUM(points) OVER so_far AS points,
    SUM(points) OVER last_10 AS points_10,
    SUM(points) OVER last_5 AS points_5,
    SUM(points * points) OVER last_10 AS squares_10,
    SUM(minutes_played) OVER so_far AS minutes,
    COUNT(minutes_played) OVER so_far AS minutes_games,
    SUM(minutes_played) OVER last_10 AS minutes_10,
    COUNT(minutes_played) OVER last_10 AS minutes_games_10,
    SUM(usage_rate) OVER so_far AS usages,
    COUNT(usage_rate) OVER so_far AS usage_games,
    SUM(usage_rate) OVER last_10 AS usages_10,
    COUNT(usage_rate) OVER last_10 AS usage_games_10,
    SUM(fg_attempts) OVER last_10 AS fg_attempts_10,
    SUM(ft_attempts) OVER last_10 AS ft_attempts_10
  FROM nba_analytics.player_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE)
    AND game_date < @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
  WINDOW
    played AS (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id),
    so_far AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ),
    last_10 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
    ),
    last_5 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 4 PRECEDING AND CURRENT ROW
    )
),
standings AS (
  SELECT day AS analysis_date, s.*
  FROM states AS s
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(s.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(s.next_game_date, @end_date), DATE(s.season_year + 1, 6, 30), @end_date)
  )) AS day
  WHERE s.games >= 5 AND IFNULL(s.next_game_date, @end_date) >= @start_date
),
team_states AS (
  SELECT
    team_abbr,
    season_year,
    game_date,
    LEAD(game_date) OVER played AS next_game_date,
    COUNT(*) OVER last_10 AS games_10,
    SUM(pace) OVER last_10 AS paces_10,
    SUM(offensive_rating) OVER last_10 AS ratings_10,
    SUM(IF(is_production_ready, 0, 1)) OVER last_10 AS not_ready
  FROM nba_analytics.team_offense_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE) AND game_date < @end_date
  WINDOW
    played AS (PARTITION BY season_year, team_abbr ORDER BY game_date, game_id),
    last_10 AS (
      PARTITION BY season_year, team_abbr ORDER BY game_date, game_id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
    )
),
team_standings AS (
  SELECT day AS analysis_date, s.*
  FROM team_states AS s
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(s.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(s.next_game_date, @end_date), DATE(s.season_year + 1, 6, 30), @end_date)
  )) AS day
  WHERE IFNULL(s.next_game_date, @end_date) >= @start_date
)
SELECT
  u.player_lookup,
  u.universal_player_id,
  u.game_date AS analysis_date,
  u.game_date AS cache_date,
  u.game_id,
  u.team_abbr,
  CAST(ROUND(CAST(s.points_5 AS FLOAT64) / s.games_5, 1) AS NUMERIC) AS points_avg_last_5,
  CAST(ROUND(CAST(s.points_10 AS FLOAT64) / s.games_10, 1) AS NUMERIC) AS points_avg_last_10,
  CAST(ROUND(CAST(s.points AS FLOAT64) / s.games, 1) AS NUMERIC) AS points_avg_season,
  -- The sample standard deviation from whole sums: no digit depends on the order of addition.
  CAST(
    ROUND(
      SQRT(CAST(s.games_10 * s.squares_10 - s.points_10 * s.points_10 AS FLOAT64) / (s.games_10 * (s.games_10 - 1))),
      2
    ) AS NUMERIC
  ) AS points_std_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.minutes_10 AS FLOAT64), s.minutes_games_10), 1) AS NUMERIC) AS minutes_avg_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.minutes AS FLOAT64), s.minutes_games), 1) AS NUMERIC) AS minutes_avg_season,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.usages_10 AS FLOAT64), s.usage_games_10), 2) AS NUMERIC) AS usage_rate_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.usages AS FLOAT64), s.usage_games), 2) AS NUMERIC) AS player_usage_rate_season,
  CAST(
    ROUND(
      SAFE_DIVIDE(
        CAST(s.points_10 AS FLOAT64),
        2 * (CAST(s.fg_attempts_10 AS FLOAT64) + CAST(0.44 AS FLOAT64) * s.ft_attempts_10)
      ),
      3
    ) AS NUMERIC
  ) AS ts_pct_last_10,
  s.games AS games_played_season,
  CAST(ROUND(CAST(t.paces_10 AS FLOAT64) / t.games_10, 2) AS NUMERIC) AS team_pace_last_10,
  CAST(ROUND(CAST(t.ratings_10 AS FLOAT64) / t.games_10, 2) AS NUMERIC) AS team_off_rating_last_10,
  u.games_in_last_7_days,
  u.games_in_last_14_days,
  u.minutes_in_last_7_days,
  u.minutes_in_last_14_days,
  u.back_to_backs_last_14_days,
  u.avg_minutes_per_game_last_7,
  u.player_age,
  p.primary_scoring_zone,
  p.paint_rate_last_10,
  p.three_pt_rate_last_10,
  p.assisted_rate_last_10,
  CAST(NULL AS INT64) AS fourth_quarter_minutes_last_7,
  s.games < 10 AS early_season_flag,
  IF(s.games < 10, CONCAT('Only ', CAST(s.games AS STRING), ' games played, need 10 minimum'), NULL)
    AS insufficient_data_reason,
  'v1' AS cache_version,
  CASE WHEN s.games_10 = 10 THEN 'gold' WHEN s.games_10 >= 7 THEN 'silver' ELSE 'bronze' END AS quality_tier,
  CAST(CASE WHEN s.games_10 = 10 THEN 100 WHEN s.games_10 >= 7 THEN 80 ELSE 60 END AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(s.games < 10, 'early_season', NULL),
      IF(u.missing_games_count = 0, NULL, 'historical_gap'),
      IF(u.is_production_ready AND IFNULL(p.is_production_ready, FALSE) AND t.not_ready = 0, NULL, 'upstream_incomplete')
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'upcoming_player_game_context',
      'player_game_summary',
      'team_offense_game_summary',
      IF(p.player_lookup IS NULL, NULL, 'player_shot_zone_analysis')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  u.missing_games_count = 0
    AND u.is_production_ready
    AND IFNULL(p.is_production_ready, FALSE)
    AND IFNULL(t.not_ready, 1) = 0 AS is_production_ready,
  u.expected_games_count,
  u.actual_games_count,
  u.missing_games_count,
  u.completeness_percentage,
  u.window_is_full
FROM nba_analytics.upcoming_player_game_context AS u
JOIN dates AS d ON d.analysis_date = u.game_date
JOIN standings AS s
  ON s.analysis_date = u.game_date AND s.player_lookup = u.player_lookup AND s.season_year = u.season_year
LEFT JOIN team_standings AS t
  ON t.analysis_date = u.game_date AND t.team_abbr = u.team_abbr AND t.season_year = u.season_year
LEFT JOIN nba_precompute.player_shot_zone_analysis AS p
  ON p.analysis_date = u.game_date
  AND p.player_lookup = u.player_lookup
  AND p.analysis_date BETWEEN @start_date AND @end_date
WHERE u.game_date BETWEEN @start_date AND @end_date
