-- One item for each (game, team) that is expected or found: it is both. A game whose absence was accepted may be
-- absent as a whole.
WITH expected AS (
  SELECT e.partition_date, e.game_id, team, a.game_id IS NOT NULL AS is_accepted
  FROM nba_reference.expected_games AS e
  CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
  LEFT JOIN nba_reference.accepted_games AS a
    ON a.game_id = e.game_id AND a.game_date = e.partition_date AND a.table_name = '{table}'
  WHERE e.partition_date BETWEEN @start_date AND @end_date
),
found AS (
  SELECT game_date AS partition_date, game_id, {team} AS team
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
)
SELECT
  IFNULL(e.partition_date, f.partition_date) AS partition_date,
  e.game_id IS NOT NULL AND (f.game_id IS NOT NULL OR (e.is_accepted AND g.game_id IS NULL)) AS ok,
  CONCAT(
    IFNULL(e.game_id, f.game_id), '/', IFNULL(e.team, f.team), IF(f.game_id IS NULL, ' is missing', ' is not expected')
  ) AS culprit
FROM expected AS e
FULL OUTER JOIN found AS f ON f.game_id = e.game_id AND f.team = e.team
LEFT JOIN (SELECT DISTINCT game_id FROM found) AS g ON g.game_id = e.game_id
