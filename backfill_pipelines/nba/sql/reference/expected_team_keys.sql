-- Grain: (partition_date, key): the teams that play an expected game on the date, by tricode.
SELECT e.partition_date, team AS key
FROM nba_reference.expected_games AS e
CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
