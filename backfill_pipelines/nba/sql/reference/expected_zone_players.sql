-- Grain: (partition_date, key): the players with at least five counted games of the season before the date, by the raw
-- player lines; none in the bootstrap days. Their fifth game decides: from the day after it they are expected.
WITH numbered AS (
  SELECT
    player_lookup,
    season_year,
    game_date,
    ROW_NUMBER() OVER (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id) AS game_number
  FROM nba_raw.player_lines
  WHERE game_date >= DATE '2021-10-19'
    AND (minutes_decimal > 0 OR field_goals_attempted > 0 OR free_throws_attempted > 0 OR points > 0)
)
SELECT c.partition_date, n.player_lookup AS key
FROM nba_reference.calendar_days AS c
JOIN numbered AS n ON n.season_year = c.season_year AND n.game_number = 5 AND n.game_date < c.partition_date
WHERE c.expected_games > 0 AND NOT c.is_bootstrap
