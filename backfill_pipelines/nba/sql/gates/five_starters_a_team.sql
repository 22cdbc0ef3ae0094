-- One item for each expected (game, team): five players started.
SELECT
  e.partition_date,
  COUNTIF(IFNULL(s.is_starter, FALSE)) = 5 AS ok,
  CONCAT(e.game_id, '/', team, ' has ', CAST(COUNTIF(IFNULL(s.is_starter, FALSE)) AS STRING), ' starters') AS culprit
FROM nba_reference.expected_games AS e
CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
LEFT JOIN {staged} AS s ON s.game_id = e.game_id AND s.team_abbr = team AND s.game_date BETWEEN @start_date AND @end_date
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.partition_date, e.game_id, team
