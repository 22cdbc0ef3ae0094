-- Grain: one row for each final game that counts: what every table of its date must contain.
SELECT
  game_date AS partition_date,
  game_id,
  nba_game_id,
  season_year,
  game_type,
  home_team_tricode,
  away_team_tricode,
  home_team_score,
  away_team_score,
  overtime_periods
FROM nba_raw.nbac_schedule
WHERE game_date >= DATE '2021-10-19'
  AND game_status = 3
  AND NOT is_postponed
  AND game_type IN ('regular_season', 'play_in', 'playoff')
