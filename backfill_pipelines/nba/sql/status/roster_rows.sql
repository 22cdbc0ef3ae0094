-- Players of each game of a range of dates, as the gamebook loader needs them.
SELECT game_id, team_abbr, player_lookup, player_name
FROM nba_raw.nbac_starting_lineups
WHERE game_date BETWEEN @start_date AND @end_date
