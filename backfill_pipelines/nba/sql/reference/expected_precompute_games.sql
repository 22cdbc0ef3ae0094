-- Grain: (partition_date, key): the games that a phase 4 table of game rows must contain; none in the bootstrap days.
SELECT e.partition_date, e.game_id AS key
FROM nba_reference.expected_games AS e
JOIN nba_reference.calendar_days AS c ON c.partition_date = e.partition_date
WHERE NOT c.is_bootstrap
