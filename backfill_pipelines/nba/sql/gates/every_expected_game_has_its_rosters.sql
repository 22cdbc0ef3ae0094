-- One item for each expected game: both teams have a roster of the date.
SELECT
  e.partition_date,
  COUNT(DISTINCT s.team_abbr) = 2 AS ok,
  CONCAT(e.game_id, ' has ', CAST(COUNT(DISTINCT s.team_abbr) AS STRING), ' of 2 rosters') AS culprit
FROM nba_reference.expected_games AS e
LEFT JOIN {staged} AS s
  ON s.roster_date = e.partition_date
  AND s.team_abbr IN (e.home_team_tricode, e.away_team_tricode)
  AND s.roster_date BETWEEN @start_date AND @end_date
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.partition_date, e.game_id
