-- Grain: column of phase 3: its rows of a range, smallest and largest value; NULLs are left out.
SELECT 'player_game_summary.points' AS column_name, COUNT(points) AS row_count,
  CAST(MIN(points) AS FLOAT64) AS lowest, CAST(MAX(points) AS FLOAT64) AS highest
FROM nba_analytics.player_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'player_game_summary.minutes_played', COUNT(minutes_played),
  CAST(MIN(minutes_played) AS FLOAT64), CAST(MAX(minutes_played) AS FLOAT64)
FROM nba_analytics.player_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'player_game_summary.usage_rate', COUNT(usage_rate),
  CAST(MIN(usage_rate) AS FLOAT64), CAST(MAX(usage_rate) AS FLOAT64)
FROM nba_analytics.player_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'team_offense_game_summary.points_scored', COUNT(points_scored),
  CAST(MIN(points_scored) AS FLOAT64), CAST(MAX(points_scored) AS FLOAT64)
FROM nba_analytics.team_offense_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'team_offense_game_summary.pace', COUNT(pace), CAST(MIN(pace) AS FLOAT64), CAST(MAX(pace) AS FLOAT64)
FROM nba_analytics.team_offense_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'team_offense_game_summary.possessions', COUNT(possessions),
  CAST(MIN(possessions) AS FLOAT64), CAST(MAX(possessions) AS FLOAT64)
FROM nba_analytics.team_offense_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'team_offense_game_summary.offensive_rating', COUNT(offensive_rating),
  CAST(MIN(offensive_rating) AS FLOAT64), CAST(MAX(offensive_rating) AS FLOAT64)
FROM nba_analytics.team_offense_game_summary WHERE game_date BETWEEN @start_date AND @end_date
UNION ALL
SELECT 'team_defense_game_summary.defensive_rating', COUNT(defensive_rating),
  CAST(MIN(defensive_rating) AS FLOAT64), CAST(MAX(defensive_rating) AS FLOAT64)
FROM nba_analytics.team_defense_game_summary WHERE game_date BETWEEN @start_date AND @end_date
