-- Grain: (analysis_date, game_id, player_lookup): the players of upcoming_player_game_context, outside the bootstrap days.
-- Inputs of the date: upcoming_player_game_context, upcoming_team_game_context, player_daily_cache,
-- player_composite_factors, player_shot_zone_analysis, team_defense_zone_analysis (of the opponent). Inputs of the season,
-- strictly before it: player_game_summary, team_offense_game_summary; calendar_days.
WITH dates AS (
  SELECT partition_date AS analysis_date
  FROM nba_reference.calendar_days
  WHERE partition_date BETWEEN @start_date AND @end_date AND expected_games > 0 AND NOT is_bootstrap
),
-- A season window has at most 253 days.
states AS (
  SELECT
    player_lookup,
    season_year,
    game_date,
    LEAD(game_date) OVER played AS next_game_date,
    COUNT(*) OVER so_far AS games,
    SUM(points) OVER so_far AS points,
    SUM(points) OVER newest_2 AS points_newest_2,
    SUM(points) OVER previous_3 AS points_previous_3,
    SUM(points) OVER last_10 AS points_10,
    SUM(ft_makes) OVER last_10 AS ft_makes_10
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
    newest_2 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
    ),
    previous_3 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 4 PRECEDING AND 2 PRECEDING
    ),
    last_10 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
    )
),
standings AS (
  SELECT day AS analysis_date, s.*
  FROM states AS s
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(s.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(s.next_game_date, @end_date), DATE(s.season_year + 1, 6, 30), @end_date)
  )) AS day
  WHERE IFNULL(s.next_game_date, @end_date) >= @start_date
),
team_states AS (
  SELECT
    team_abbr,
    season_year,
    game_date,
    LEAD(game_date) OVER played AS next_game_date,
    COUNT(*) OVER last_10 AS games_10,
    SUM(pace) OVER last_10 AS paces_10,
    SUM(offensive_rating) OVER last_10 AS ratings_10
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
),
-- A feature is NULL where its native source has nothing to say; the fallbacks are phase 3's.
native AS (
  SELECT
    u.player_lookup,
    u.universal_player_id,
    u.game_date,
    u.game_id,
    u.opponent_team_abbr,
    u.home_game,
    u.days_rest,
    u.actual_games_count < 10 AS is_early,
    u.expected_games_count,
    u.actual_games_count,
    u.missing_games_count,
    u.completeness_percentage,
    u.window_is_full,
    c.player_lookup IS NOT NULL AS has_cache,
    f.player_lookup IS NOT NULL AS has_factors,
    z.player_lookup IS NOT NULL AS has_shots,
    d.team_abbr IS NOT NULL AS has_defence,
    t.team_abbr IS NOT NULL AS has_team,
    s.games IS NOT NULL AS has_played,
    IFNULL(c.is_production_ready AND f.is_production_ready AND d.is_production_ready, FALSE) AS upstream_is_ready,
    CAST(c.points_avg_last_5 AS FLOAT64) AS points_avg_last_5,
    IF(u.l5_games_used >= 1, CAST(u.points_avg_last_5 AS FLOAT64), NULL) AS fallback_avg_5,
    CAST(c.points_avg_last_10 AS FLOAT64) AS points_avg_last_10,
    IF(u.l10_games_used >= 1, CAST(u.points_avg_last_10 AS FLOAT64), NULL) AS fallback_avg_10,
    CAST(c.points_avg_season AS FLOAT64) AS points_avg_season,
    SAFE_DIVIDE(CAST(s.points AS FLOAT64), s.games) AS fallback_avg_season,
    CAST(c.points_std_last_10 AS FLOAT64) AS points_std_last_10,
    CAST(c.games_in_last_7_days AS FLOAT64) AS games_in_last_7_days,
    CAST(u.games_in_last_7_days AS FLOAT64) AS fallback_games_7,
    CAST(f.fatigue_score AS FLOAT64) AS fatigue_score,
    CAST(f.shot_zone_mismatch_score AS FLOAT64) AS shot_zone_mismatch_score,
    CAST(f.pace_score AS FLOAT64) AS pace_score,
    CAST(f.usage_spike_score AS FLOAT64) AS usage_spike_score,
    IF(
      u.days_rest IS NULL OR u.opponent_days_rest IS NULL,
      NULL,
      CAST(GREATEST(-2, LEAST(2, u.days_rest - u.opponent_days_rest)) AS FLOAT64)
    ) AS rest_advantage,
    -- A report that exists and does not name him says that he is available.
    CASE
      WHEN u.player_status IN ('out', 'doubtful') THEN CAST(3 AS FLOAT64)
      WHEN u.player_status = 'questionable' THEN CAST(2 AS FLOAT64)
      WHEN u.player_status = 'probable' THEN CAST(1 AS FLOAT64)
      WHEN u.player_status = 'available' THEN CAST(0 AS FLOAT64)
      WHEN u.player_status IS NULL AND u.questionable_teammates IS NOT NULL THEN CAST(0 AS FLOAT64)
    END AS injury_risk,
    -- Newest two / 2 - three before / 3, held against 5 and 2, in whole numbers.
    CASE
      WHEN IFNULL(s.games, 0) < 5 THEN NULL
      WHEN 3 * s.points_newest_2 - 2 * s.points_previous_3 >= 30 THEN CAST(2 AS FLOAT64)
      WHEN 3 * s.points_newest_2 - 2 * s.points_previous_3 >= 12 THEN CAST(1 AS FLOAT64)
      WHEN 3 * s.points_newest_2 - 2 * s.points_previous_3 <= -30 THEN CAST(-2 AS FLOAT64)
      WHEN 3 * s.points_newest_2 - 2 * s.points_previous_3 <= -12 THEN CAST(-1 AS FLOAT64)
      ELSE CAST(0 AS FLOAT64)
    END AS recent_trend,
    -- (last 10 - season) / season, held against a fifth and a tenth, in exact decimals.
    CASE
      WHEN c.minutes_avg_last_10 IS NULL OR IFNULL(c.minutes_avg_season, 0) = 0 THEN NULL
      WHEN 5 * (c.minutes_avg_last_10 - c.minutes_avg_season) >= c.minutes_avg_season THEN CAST(2 AS FLOAT64)
      WHEN 10 * (c.minutes_avg_last_10 - c.minutes_avg_season) >= c.minutes_avg_season THEN CAST(1 AS FLOAT64)
      WHEN 5 * (c.minutes_avg_season - c.minutes_avg_last_10) >= c.minutes_avg_season THEN CAST(-2 AS FLOAT64)
      WHEN 10 * (c.minutes_avg_season - c.minutes_avg_last_10) >= c.minutes_avg_season THEN CAST(-1 AS FLOAT64)
      ELSE CAST(0 AS FLOAT64)
    END AS minutes_change,
    CAST(d.defensive_rating_last_15 AS FLOAT64) AS opponent_def_rating,
    CAST(d.opponent_pace AS FLOAT64) AS opponent_pace,
    CAST(IF(u.home_game, 1, 0) AS FLOAT64) AS home_away,
    CAST(IF(u.back_to_back, 1, 0) AS FLOAT64) AS back_to_back,
    CAST(IF(u.season_phase IN ('playoffs', 'play_in'), 1, 0) AS FLOAT64) AS playoff_game,
    CAST(z.paint_rate_last_10 AS FLOAT64) / 100 AS pct_paint,
    CAST(z.mid_range_rate_last_10 AS FLOAT64) / 100 AS pct_mid_range,
    CAST(z.three_pt_rate_last_10 AS FLOAT64) / 100 AS pct_three,
    IF(
      IFNULL(s.games, 0) < 5 OR IFNULL(s.points_10, 0) = 0,
      NULL,
      LEAST(CAST(0.5 AS FLOAT64), SAFE_DIVIDE(CAST(s.ft_makes_10 AS FLOAT64), s.points_10))
    ) AS pct_free_throw,
    CAST(c.team_pace_last_10 AS FLOAT64) AS team_pace,
    SAFE_DIVIDE(CAST(o.paces_10 AS FLOAT64), o.games_10) AS fallback_team_pace,
    CAST(c.team_off_rating_last_10 AS FLOAT64) AS team_off_rating,
    SAFE_DIVIDE(CAST(o.ratings_10 AS FLOAT64), o.games_10) AS fallback_team_rating,
    IF(t.game_number_in_season > 5, CAST(t.win_pct_entering AS FLOAT64), NULL) AS team_win_pct
  FROM nba_analytics.upcoming_player_game_context AS u
  JOIN dates AS x ON x.analysis_date = u.game_date
  LEFT JOIN nba_analytics.upcoming_team_game_context AS t
    ON t.game_id = u.game_id AND t.team_abbr = u.team_abbr AND t.game_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.player_daily_cache AS c
    ON c.analysis_date = u.game_date
    AND c.player_lookup = u.player_lookup
    AND c.analysis_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.player_composite_factors AS f
    ON f.game_id = u.game_id
    AND f.player_lookup = u.player_lookup
    AND f.analysis_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.player_shot_zone_analysis AS z
    ON z.analysis_date = u.game_date
    AND z.player_lookup = u.player_lookup
    AND z.analysis_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.team_defense_zone_analysis AS d
    ON d.analysis_date = u.game_date
    AND d.team_abbr = u.opponent_team_abbr
    AND d.analysis_date BETWEEN @start_date AND @end_date
  LEFT JOIN standings AS s
    ON s.analysis_date = u.game_date AND s.player_lookup = u.player_lookup AND s.season_year = u.season_year
  LEFT JOIN team_standings AS o
    ON o.analysis_date = u.game_date AND o.team_abbr = u.team_abbr AND o.season_year = u.season_year
  WHERE u.game_date BETWEEN @start_date AND @end_date
),
chosen AS (
  SELECT
    *,
    [
      ROUND(COALESCE(points_avg_last_5, fallback_avg_5, CAST(10 AS FLOAT64)), 4),
      ROUND(COALESCE(points_avg_last_10, fallback_avg_10, CAST(10 AS FLOAT64)), 4),
      ROUND(COALESCE(points_avg_season, fallback_avg_season, CAST(10 AS FLOAT64)), 4),
      ROUND(IFNULL(points_std_last_10, CAST(5 AS FLOAT64)), 4),
      ROUND(COALESCE(games_in_last_7_days, fallback_games_7, CAST(3 AS FLOAT64)), 4),
      ROUND(IFNULL(fatigue_score, CAST(50 AS FLOAT64)), 4),
      ROUND(IFNULL(shot_zone_mismatch_score, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(pace_score, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(usage_spike_score, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(rest_advantage, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(injury_risk, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(recent_trend, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(minutes_change, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(opponent_def_rating, CAST(112 AS FLOAT64)), 4),
      ROUND(IFNULL(opponent_pace, CAST(100 AS FLOAT64)), 4),
      ROUND(IFNULL(home_away, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(back_to_back, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(playoff_game, CAST(0 AS FLOAT64)), 4),
      ROUND(IFNULL(pct_paint, CAST(0.30 AS FLOAT64)), 4),
      ROUND(IFNULL(pct_mid_range, CAST(0.20 AS FLOAT64)), 4),
      ROUND(IFNULL(pct_three, CAST(0.35 AS FLOAT64)), 4),
      ROUND(IFNULL(pct_free_throw, CAST(0.15 AS FLOAT64)), 4),
      ROUND(COALESCE(team_pace, fallback_team_pace, CAST(100 AS FLOAT64)), 4),
      ROUND(COALESCE(team_off_rating, fallback_team_rating, CAST(112 AS FLOAT64)), 4),
      ROUND(IFNULL(team_win_pct, CAST(0.5 AS FLOAT64)), 4)
    ] AS features,
    [
      CASE WHEN points_avg_last_5 IS NOT NULL THEN 'native' WHEN fallback_avg_5 IS NOT NULL THEN 'phase3' ELSE 'default' END,
      CASE WHEN points_avg_last_10 IS NOT NULL THEN 'native' WHEN fallback_avg_10 IS NOT NULL THEN 'phase3' ELSE 'default' END,
      CASE WHEN points_avg_season IS NOT NULL THEN 'native' WHEN fallback_avg_season IS NOT NULL THEN 'phase3' ELSE 'default' END,
      IF(points_std_last_10 IS NULL, 'default', 'native'),
      CASE WHEN games_in_last_7_days IS NOT NULL THEN 'native' WHEN fallback_games_7 IS NOT NULL THEN 'phase3' ELSE 'default' END,
      IF(fatigue_score IS NULL, 'default', 'native'),
      IF(shot_zone_mismatch_score IS NULL, 'default', 'native'),
      IF(pace_score IS NULL, 'default', 'native'),
      IF(usage_spike_score IS NULL, 'default', 'native'),
      IF(rest_advantage IS NULL, 'default', 'native'),
      IF(injury_risk IS NULL, 'default', 'native'),
      IF(recent_trend IS NULL, 'default', 'native'),
      IF(minutes_change IS NULL, 'default', 'native'),
      IF(opponent_def_rating IS NULL, 'default', 'native'),
      IF(opponent_pace IS NULL, 'default', 'native'),
      IF(home_away IS NULL, 'default', 'native'),
      IF(back_to_back IS NULL, 'default', 'native'),
      IF(playoff_game IS NULL, 'default', 'native'),
      IF(pct_paint IS NULL, 'default', 'native'),
      IF(pct_mid_range IS NULL, 'default', 'native'),
      IF(pct_three IS NULL, 'default', 'native'),
      IF(pct_free_throw IS NULL, 'default', 'native'),
      CASE WHEN team_pace IS NOT NULL THEN 'native' WHEN fallback_team_pace IS NOT NULL THEN 'phase3' ELSE 'default' END,
      CASE WHEN team_off_rating IS NOT NULL THEN 'native' WHEN fallback_team_rating IS NOT NULL THEN 'phase3' ELSE 'default' END,
      IF(team_win_pct IS NULL, 'default', 'native')
    ] AS feature_sources,
    -- Of the sixteen features that phase 4 supplies.
    (
      IF(points_avg_last_5 IS NULL, 0, 1)
      + IF(points_avg_last_10 IS NULL, 0, 1)
      + IF(points_avg_season IS NULL, 0, 1)
      + IF(points_std_last_10 IS NULL, 0, 1)
      + IF(games_in_last_7_days IS NULL, 0, 1)
      + IF(fatigue_score IS NULL, 0, 1)
      + IF(shot_zone_mismatch_score IS NULL, 0, 1)
      + IF(pace_score IS NULL, 0, 1)
      + IF(usage_spike_score IS NULL, 0, 1)
      + IF(opponent_def_rating IS NULL, 0, 1)
      + IF(opponent_pace IS NULL, 0, 1)
      + IF(pct_paint IS NULL, 0, 1)
      + IF(pct_mid_range IS NULL, 0, 1)
      + IF(pct_three IS NULL, 0, 1)
      + IF(team_pace IS NULL, 0, 1)
      + IF(team_off_rating IS NULL, 0, 1)
    ) AS native_count,
    (
      IF(points_avg_last_5 IS NULL AND fallback_avg_5 IS NOT NULL, 1, 0)
      + IF(points_avg_last_10 IS NULL AND fallback_avg_10 IS NOT NULL, 1, 0)
      + IF(points_avg_season IS NULL AND fallback_avg_season IS NOT NULL, 1, 0)
      + IF(games_in_last_7_days IS NULL AND fallback_games_7 IS NOT NULL, 1, 0)
      + IF(team_pace IS NULL AND fallback_team_pace IS NOT NULL, 1, 0)
      + IF(team_off_rating IS NULL AND fallback_team_rating IS NOT NULL, 1, 0)
    ) AS phase3_count
  FROM native
),
graded AS (
  SELECT
    *,
    (
      SELECT SUM(CASE source WHEN 'native' THEN 100 WHEN 'phase3' THEN 75 ELSE 40 END)
      FROM UNNEST(feature_sources) AS source
    ) AS weight
  FROM chosen
)
SELECT
  g.player_lookup,
  g.universal_player_id,
  g.game_date,
  g.game_date AS analysis_date,
  g.game_id,
  g.features,
  [
    'points_avg_last_5',
    'points_avg_last_10',
    'points_avg_season',
    'points_std_last_10',
    'games_in_last_7_days',
    'fatigue_score',
    'shot_zone_mismatch_score',
    'pace_score',
    'usage_spike_score',
    'rest_advantage',
    'injury_risk',
    'recent_trend',
    'minutes_change',
    'opponent_def_rating',
    'opponent_pace',
    'home_away',
    'back_to_back',
    'playoff_game',
    'pct_paint',
    'pct_mid_range',
    'pct_three',
    'pct_free_throw',
    'team_pace',
    'team_off_rating',
    'team_win_pct'
  ] AS feature_names,
  g.feature_sources,
  25 AS feature_count,
  'v1_baseline_25' AS feature_version,
  CAST(ROUND(CAST(g.weight AS FLOAT64) / 25, 2) AS NUMERIC) AS feature_quality_score,
  CASE
    WHEN 10 * g.native_count >= 9 * 16 THEN 'phase4'
    WHEN 2 * g.native_count >= 16 THEN 'phase4_partial'
    WHEN 2 * g.phase3_count >= 16 THEN 'phase3'
    ELSE 'mixed'
  END AS data_source,
  g.opponent_team_abbr,
  g.home_game AS is_home,
  g.days_rest,
  g.is_early AS early_season_flag,
  CASE
    WHEN g.weight >= 95 * 25 THEN 'gold'
    WHEN g.weight >= 75 * 25 THEN 'silver'
    WHEN g.weight >= 50 * 25 THEN 'bronze'
    ELSE 'poor'
  END AS quality_tier,
  CAST(ROUND(CAST(g.weight AS FLOAT64) / 25, 2) AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(g.is_early, 'early_season', NULL),
      IF(g.missing_games_count = 0, NULL, 'historical_gap'),
      IF(g.upstream_is_ready, NULL, 'upstream_incomplete')
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'upcoming_player_game_context',
      IF(g.has_team, 'upcoming_team_game_context', NULL),
      IF(g.has_cache, 'player_daily_cache', NULL),
      IF(g.has_factors, 'player_composite_factors', NULL),
      IF(g.has_shots, 'player_shot_zone_analysis', NULL),
      IF(g.has_defence, 'team_defense_zone_analysis', NULL),
      IF(g.has_played, 'player_game_summary', NULL),
      IF(g.has_cache OR g.fallback_team_pace IS NULL, NULL, 'team_offense_game_summary')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  g.weight >= 70 * 25 AND g.missing_games_count = 0 AND g.upstream_is_ready AS is_production_ready,
  g.expected_games_count,
  g.actual_games_count,
  g.missing_games_count,
  g.completeness_percentage,
  g.window_is_full
FROM graded AS g
