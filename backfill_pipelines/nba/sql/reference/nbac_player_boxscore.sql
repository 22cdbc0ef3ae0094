-- Alias of nbac_player_boxscores, under the name that the original system used.
SELECT * FROM nba_raw.nbac_player_boxscores WHERE game_date >= DATE '2021-10-19'
