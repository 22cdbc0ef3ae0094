-- One item for each player of a game: 25 numbers, none of them missing or infinite, under their names, each with its
-- source; quality between that of 25 defaults and that of 25 native values.
WITH counted AS (
  SELECT
    analysis_date, game_id, player_lookup, feature_quality_score,
    IFNULL(ARRAY_LENGTH(features), 0) AS numbers,
    (SELECT COUNT(*) FROM UNNEST(features) AS value WHERE value IS NULL OR IS_NAN(value) OR IS_INF(value)) AS unusable,
    IFNULL(ARRAY_TO_STRING(feature_names, ','), '') AS names,
    (
      SELECT COUNT(*) FROM UNNEST(feature_sources) AS source WHERE source IN ('native', 'phase3', 'default')
    ) AS sources
  FROM {staged}
  WHERE analysis_date BETWEEN @start_date AND @end_date
)
SELECT
  analysis_date AS partition_date,
  IFNULL(
    numbers = 25
      AND unusable = 0
      AND sources = 25
      AND names = CONCAT(
        'points_avg_last_5,points_avg_last_10,points_avg_season,points_std_last_10,',
        'games_in_last_7_days,fatigue_score,shot_zone_mismatch_score,pace_score,usage_spike_score,',
        'rest_advantage,injury_risk,recent_trend,minutes_change,opponent_def_rating,opponent_pace,',
        'home_away,back_to_back,playoff_game,pct_paint,pct_mid_range,pct_three,pct_free_throw,',
        'team_pace,team_off_rating,team_win_pct'
      )
      AND feature_quality_score BETWEEN 40 AND 100,
    FALSE
  ) AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' has ', CAST(numbers AS STRING), ' features, ', CAST(unusable AS STRING),
    ' unusable, ', CAST(sources AS STRING), ' sources, quality ', IFNULL(FORMAT('%.2f', feature_quality_score), 'NULL'),
    ', names ', names
  ) AS culprit
FROM counted
