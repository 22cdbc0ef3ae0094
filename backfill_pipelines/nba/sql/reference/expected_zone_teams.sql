-- Grain: (partition_date, key): the teams with at least five finals of the season before the date; none in the
-- bootstrap days. Their fifth game decides: from the day after it they are expected.
WITH numbered AS (
  SELECT
    team,
    e.season_year,
    e.partition_date AS game_date,
    ROW_NUMBER() OVER (PARTITION BY e.season_year, team ORDER BY e.partition_date, e.game_id) AS game_number
  FROM nba_reference.expected_games AS e
  CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
)
SELECT c.partition_date, n.team AS key
FROM nba_reference.calendar_days AS c
JOIN numbered AS n ON n.season_year = c.season_year AND n.game_number = 5 AND n.game_date < c.partition_date
WHERE c.expected_games > 0 AND NOT c.is_bootstrap
