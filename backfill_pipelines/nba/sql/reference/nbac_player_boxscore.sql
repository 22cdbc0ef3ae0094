-- Alias of nbac_player_boxscores, under the name that the original system used.
SELECT * FROM nba_raw.nbac_player_boxscores
