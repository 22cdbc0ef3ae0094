-- Grain: (partition_date, key): the players of the date's games with at least five counted games of the season before.
SELECT z.partition_date, z.key
FROM nba_reference.expected_zone_players AS z
JOIN nba_analytics.upcoming_player_game_context AS u ON u.player_lookup = z.key AND u.game_date = z.partition_date
WHERE u.game_date >= DATE '2021-10-19'
