-- Grain: (table_name, partition_date): what each partition must hold, or why it holds nothing.
SELECT
  table_name,
  c.partition_date,
  c.season,
  c.calendar_year,
  CASE
    WHEN NOT c.schedule_loaded OR c.expected_games > 0 THEN 'expected'
    WHEN table_name = 'nba_raw.nbac_schedule' AND c.exhibitions + c.cup_finals > 0 THEN 'expected'
    ELSE 'expected_empty'
  END AS state_expected,
  CASE
    WHEN NOT c.schedule_loaded THEN 'schedule_not_loaded'
    WHEN table_name = 'nba_raw.nbac_schedule' AND c.exhibitions + c.cup_finals > 0 THEN NULL
    ELSE c.empty_reason
  END AS reason,
  c.expected_games,
  CASE
    WHEN NOT c.schedule_loaded THEN NULL
    WHEN table_name IN (
      'nba_raw.nbac_team_boxscore',
      'nba_analytics.team_offense_game_summary',
      'nba_analytics.team_defense_game_summary'
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
  'nba_raw.player_lines',
  'nba_analytics.team_offense_game_summary',
  'nba_analytics.player_game_summary',
  'nba_analytics.team_defense_game_summary'
]) AS table_name
