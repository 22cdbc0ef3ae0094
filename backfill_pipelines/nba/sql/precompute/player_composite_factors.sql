-- Grain: (analysis_date, game_id, player_lookup): the players of upcoming_player_game_context, outside the bootstrap days.
-- Inputs, all of the same date: upcoming_player_game_context, upcoming_team_game_context, player_shot_zone_analysis,
-- team_defense_zone_analysis (of the opponent); calendar_days.
WITH dates AS (
  SELECT partition_date AS analysis_date
  FROM nba_reference.calendar_days
  WHERE partition_date BETWEEN @start_date AND @end_date AND expected_games > 0 AND NOT is_bootstrap
),
inputs AS (
  SELECT
    u.*,
    t.is_production_ready AS team_is_ready,
    p.is_production_ready AS shots_are_ready,
    p.primary_scoring_zone,
    CASE p.primary_scoring_zone
      WHEN 'perimeter' THEN p.three_pt_rate_last_10
      WHEN 'mid_range' THEN p.mid_range_rate_last_10
      ELSE p.paint_rate_last_10
    END AS zone_rate,
    d.is_production_ready AS defence_is_ready,
    CASE p.primary_scoring_zone
      WHEN 'perimeter' THEN d.three_pt_defense_vs_league_avg
      WHEN 'mid_range' THEN d.mid_range_defense_vs_league_avg
      ELSE d.paint_defense_vs_league_avg
    END AS zone_defence,
    p.player_lookup IS NOT NULL AS has_shots,
    d.team_abbr IS NOT NULL AS has_defence
  FROM nba_analytics.upcoming_player_game_context AS u
  JOIN dates AS c ON c.analysis_date = u.game_date
  LEFT JOIN nba_analytics.upcoming_team_game_context AS t
    ON t.game_id = u.game_id AND t.team_abbr = u.team_abbr AND t.game_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.player_shot_zone_analysis AS p
    ON p.analysis_date = u.game_date
    AND p.player_lookup = u.player_lookup
    AND p.analysis_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.team_defense_zone_analysis AS d
    ON d.analysis_date = u.game_date
    AND d.team_abbr = u.opponent_team_abbr
    AND d.analysis_date BETWEEN @start_date AND @end_date
  WHERE u.game_date BETWEEN @start_date AND @end_date
),
-- What is not known gives no term.
terms AS (
  SELECT
    *,
    CASE WHEN back_to_back THEN -15 WHEN IFNULL(days_rest, 0) >= 3 THEN 5 ELSE 0 END AS rest_term,
    IF(games_in_last_7_days >= 4, -10, 0) AS games_term,
    IF(minutes_in_last_7_days > 240, -10, 0) AS minutes_term,
    IF(IFNULL(avg_minutes_per_game_last_7, 0) > 35, -8, 0) AS average_term,
    CASE WHEN back_to_backs_last_14_days >= 2 THEN -12 WHEN back_to_backs_last_14_days = 1 THEN -5 ELSE 0 END
      AS back_to_backs_term,
    CASE WHEN IFNULL(player_age, 0) >= 35 THEN -10 WHEN IFNULL(player_age, 0) >= 30 THEN -5 ELSE 0 END AS age_term,
    -- Without a share or a difference there is no mismatch.
    IF(
      zone_rate IS NULL OR zone_defence IS NULL,
      0,
      CAST(zone_defence AS FLOAT64) * LEAST(CAST(zone_rate AS FLOAT64) / 50, 1)
    ) AS mismatch,
    IFNULL(CAST(pace_differential AS FLOAT64) / 2, 0) AS pace,
    IF(
      IFNULL(avg_usage_rate_last_7_games, 0) = 0,
      0,
      IFNULL(
        CAST(0.3 AS FLOAT64)
          * (CAST(projected_usage_rate AS FLOAT64) - CAST(avg_usage_rate_last_7_games AS FLOAT64)),
        0
      )
    ) AS usage,
    CASE
      WHEN IFNULL(star_teammates_out, 0) >= 2 THEN CAST(1.30 AS FLOAT64)
      WHEN IFNULL(star_teammates_out, 0) = 1 THEN CAST(1.15 AS FLOAT64)
      ELSE CAST(1 AS FLOAT64)
    END AS star_factor
  FROM inputs
),
scores AS (
  SELECT
    *,
    GREATEST(
      0,
      LEAST(100, 100 + rest_term + games_term + minutes_term + average_term + back_to_backs_term + age_term)
    ) AS fatigue_score,
    CAST(
      ROUND(GREATEST(-10, LEAST(10, mismatch * IF(ABS(mismatch) > 5, CAST(1.2 AS FLOAT64), 1))), 1) AS NUMERIC
    ) AS mismatch_score,
    CAST(ROUND(GREATEST(-3, LEAST(3, pace)), 1) AS NUMERIC) AS pace_score,
    CAST(ROUND(GREATEST(-3, LEAST(3, usage * IF(usage > 0, star_factor, 1))), 1) AS NUMERIC) AS usage_score
  FROM terms
),
adjusted AS (
  SELECT
    *,
    CAST(ROUND((CAST(fatigue_score AS FLOAT64) - 100) / 20, 2) AS NUMERIC) AS fatigue_adjustment,
    IF(days_rest IS NULL, 0, 1)
      + IF(projected_usage_rate IS NULL, 0, 1)
      + IF(pace_differential IS NULL, 0, 1)
      + IF(has_shots, 1, 0)
      + IF(has_defence, 1, 0) AS inputs_present
  FROM scores
),
totals AS (
  SELECT
    *,
    fatigue_adjustment + mismatch_score + pace_score + usage_score AS total,
    IFNULL(shots_are_ready, FALSE)
      AND IFNULL(defence_is_ready, FALSE)
      AND is_production_ready
      AND IFNULL(team_is_ready, FALSE) AS all_ready
  FROM adjusted
)
SELECT
  t.player_lookup,
  t.universal_player_id,
  t.game_date,
  t.game_date AS analysis_date,
  t.game_id,
  t.team_abbr,
  t.opponent_team_abbr,
  t.fatigue_score,
  t.fatigue_adjustment,
  t.mismatch_score AS shot_zone_mismatch_score,
  t.pace_score,
  t.usage_score AS usage_spike_score,
  CAST(0 AS NUMERIC) AS referee_favorability_score,
  CAST(0 AS NUMERIC) AS look_ahead_pressure_score,
  CAST(0 AS NUMERIC) AS travel_impact_score,
  CAST(0 AS NUMERIC) AS opponent_strength_score,
  t.total AS total_composite_adjustment,
  CONCAT(
    '{"back_to_back": ', IF(t.back_to_back, 'true', 'false'),
    ', "days_rest": ', IFNULL(CAST(t.days_rest AS STRING), 'null'),
    ', "games_in_last_7_days": ', CAST(t.games_in_last_7_days AS STRING),
    ', "minutes_in_last_7_days": ', CAST(t.minutes_in_last_7_days AS STRING),
    ', "avg_minutes_per_game_last_7": ', IFNULL(FORMAT('%.1f', t.avg_minutes_per_game_last_7), 'null'),
    ', "back_to_backs_last_14_days": ', CAST(t.back_to_backs_last_14_days AS STRING),
    ', "player_age": ', IFNULL(CAST(t.player_age AS STRING), 'null'),
    ', "terms": {"rest": ', CAST(t.rest_term AS STRING),
    ', "games": ', CAST(t.games_term AS STRING),
    ', "minutes": ', CAST(t.minutes_term AS STRING),
    ', "average_minutes": ', CAST(t.average_term AS STRING),
    ', "back_to_backs": ', CAST(t.back_to_backs_term AS STRING),
    ', "age": ', CAST(t.age_term AS STRING), '}}'
  ) AS fatigue_context_json,
  CONCAT(
    '{"primary_scoring_zone": ', IFNULL(CONCAT('"', t.primary_scoring_zone, '"'), 'null'),
    ', "zone_rate": ', IFNULL(FORMAT('%.2f', t.zone_rate), 'null'),
    ', "defense_vs_league_avg": ', IFNULL(FORMAT('%.2f', t.zone_defence), 'null'),
    ', "weighted": ', FORMAT('%.4f', t.mismatch), '}'
  ) AS shot_zone_context_json,
  CONCAT(
    '{"pace_differential": ', IFNULL(FORMAT('%.2f', t.pace_differential), 'null'),
    ', "halved": ', FORMAT('%.4f', t.pace), '}'
  ) AS pace_context_json,
  CONCAT(
    '{"projected_usage_rate": ', IFNULL(FORMAT('%.2f', t.projected_usage_rate), 'null'),
    ', "avg_usage_rate_last_7_games": ', IFNULL(FORMAT('%.2f', t.avg_usage_rate_last_7_games), 'null'),
    ', "star_teammates_out": ', IFNULL(CAST(t.star_teammates_out AS STRING), 'null'),
    ', "base": ', FORMAT('%.4f', t.usage),
    ', "star_factor": ', FORMAT('%.2f', IF(t.usage > 0, t.star_factor, 1)), '}'
  ) AS usage_context_json,
  'v1_4factors' AS calculation_version,
  CAST(20 * t.inputs_present AS NUMERIC) AS data_completeness_pct,
  ARRAY(
    SELECT field
    FROM UNNEST([
      IF(t.days_rest IS NULL, 'days_rest', NULL),
      IF(t.projected_usage_rate IS NULL, 'projected_usage_rate', NULL),
      IF(t.pace_differential IS NULL, 'pace_differential', NULL),
      IF(t.has_shots, NULL, 'player_shot_zone_analysis'),
      IF(t.has_defence, NULL, 'team_defense_zone_analysis')
    ]) AS field
    WHERE field IS NOT NULL
  ) AS missing_data_fields,
  t.fatigue_score < 50 OR ABS(t.mismatch_score) > 8 OR ABS(t.total) > 12 AS has_warnings,
  NULLIF(
    SUBSTR(
      CONCAT(
        IF(t.fatigue_score < 50, ', EXTREME_FATIGUE', ''),
        IF(ABS(t.mismatch_score) > 8, ', EXTREME_MATCHUP', ''),
        IF(ABS(t.total) > 12, ', EXTREME_ADJUSTMENT', '')
      ),
      3
    ),
    ''
  ) AS warning_details,
  IFNULL(t.shots_are_ready, FALSE) AS upstream_player_shot_ready,
  IFNULL(t.defence_is_ready, FALSE) AS upstream_team_defense_ready,
  t.is_production_ready AS upstream_player_context_ready,
  IFNULL(t.team_is_ready, FALSE) AS upstream_team_context_ready,
  t.all_ready AS all_upstreams_ready,
  CASE t.inputs_present
    WHEN 5 THEN 'gold'
    WHEN 4 THEN 'silver'
    WHEN 3 THEN 'bronze'
    WHEN 2 THEN 'poor'
    ELSE 'unusable'
  END AS quality_tier,
  CAST(20 * t.inputs_present AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(t.all_ready, NULL, 'upstream_incomplete'),
      IF(t.missing_games_count = 0, NULL, 'historical_gap')
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'upcoming_player_game_context',
      IF(t.team_is_ready IS NULL, NULL, 'upcoming_team_game_context'),
      IF(t.has_shots, 'player_shot_zone_analysis', NULL),
      IF(t.has_defence, 'team_defense_zone_analysis', NULL)
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  t.inputs_present >= 3 AND t.missing_games_count = 0 AND t.all_ready AS is_production_ready,
  t.expected_games_count,
  t.actual_games_count,
  t.missing_games_count,
  t.completeness_percentage,
  t.window_is_full
FROM totals AS t
