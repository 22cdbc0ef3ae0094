-- Alias of espn_team_rosters, under the name that the original system used.
SELECT * FROM nba_raw.espn_team_rosters WHERE roster_date >= DATE '2021-10-19'
