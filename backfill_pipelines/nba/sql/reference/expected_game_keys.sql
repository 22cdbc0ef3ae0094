-- Grain: (partition_date, key): the games that a table of game rows must contain, under their canonical id.
SELECT partition_date, game_id AS key
FROM nba_reference.expected_games
