-- Schedule rows of a range of dates, as the other feeds need them.
SELECT game_id, nba_game_id, game_date, season_year, home_team_tricode, away_team_tricode, game_type, is_postponed
FROM nba_raw.nbac_schedule
WHERE game_date BETWEEN @start_date AND @end_date
