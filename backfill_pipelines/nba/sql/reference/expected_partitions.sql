-- Grain: (table_name, partition_date): what each partition must hold, or why it holds nothing.
SELECT
  table_name,
  c.partition_date,
  c.season,
  c.calendar_year,
  CASE
    WHEN NOT c.schedule_loaded THEN 'expected'
    WHEN STARTS_WITH(table_name, 'nba_precompute.') AND c.is_bootstrap THEN 'expected_empty'
    WHEN c.expected_games > 0 THEN 'expected'
    WHEN table_name = 'nba_raw.nbac_schedule' AND c.exhibitions + c.cup_finals > 0 THEN 'expected'
    ELSE 'expected_empty'
  END AS state_expected,
  CASE
    WHEN NOT c.schedule_loaded THEN 'schedule_not_loaded'
    WHEN table_name = 'nba_raw.nbac_schedule' AND c.exhibitions + c.cup_finals > 0 THEN NULL
    WHEN STARTS_WITH(table_name, 'nba_precompute.') AND c.is_bootstrap THEN IFNULL(c.empty_reason, 'bootstrap')
    ELSE c.empty_reason
  END AS reason,
  c.expected_games,
  CASE
    WHEN NOT c.schedule_loaded THEN NULL
    WHEN table_name IN (
      'nba_raw.nbac_team_boxscore',
      'nba_analytics.team_offense_game_summary',
      'nba_analytics.team_defense_game_summary',
      'nba_analytics.upcoming_team_game_context'
    ) THEN 2 * c.expected_games
  END AS expected_rows
FROM nba_reference.calendar_days AS c
CROSS JOIN UNNEST([
  'nba_raw.nbac_schedule',
  'nba_raw.nbac_team_boxscore',
  'nba_raw.nbac_starting_lineups',
  'nba_raw.nbac_gamebook_player_stats',
  'nba_raw.bdl_player_boxscores',
  'nba_raw.nbac_player_boxscores',
  'nba_raw.bigdataball_play_by_play',
  'nba_raw.espn_team_rosters',
  'nba_raw.nbac_injury_report',
  'nba_raw.odds_api_game_lines',
  'nba_raw.odds_api_player_points_props',
  'nba_raw.player_lines',
  'nba_analytics.team_offense_game_summary',
  'nba_analytics.player_game_summary',
  'nba_analytics.team_defense_game_summary',
  'nba_analytics.upcoming_team_game_context',
  'nba_analytics.upcoming_player_game_context',
  'nba_precompute.team_defense_zone_analysis',
  'nba_precompute.player_shot_zone_analysis',
  'nba_precompute.player_composite_factors',
  'nba_precompute.player_daily_cache',
  'nba_precompute.ml_feature_store_v2'
]) AS table_name
