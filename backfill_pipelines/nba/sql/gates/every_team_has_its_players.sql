-- One item for each expected (game, team): 5 to 20 players, whose minutes add up to the team's within 1, or within 6
-- where a ball-dont-lie line is among them (that feed has whole minutes). Nobody, where that was accepted.
SELECT
  e.partition_date,
  (COUNT(s.game_id) = 0 AND COUNT(a.game_id) > 0)
    OR (
      COUNT(s.game_id) BETWEEN 5 AND 20
      AND (
        ANY_VALUE(t.minutes_total) IS NULL
        OR ABS(IFNULL(SUM(s.minutes_decimal), 0) - ANY_VALUE(t.minutes_total))
          <= IF(COUNTIF(s.source = 'bdl_boxscores') > 0, 6, 1)
      )
    ) AS ok,
  CONCAT(
    e.game_id, '/', team, ' has ', CAST(COUNT(s.game_id) AS STRING), ' players, ',
    CAST(ROUND(IFNULL(SUM(s.minutes_decimal), 0), 2) AS STRING), ' of ',
    IFNULL(CAST(ANY_VALUE(t.minutes_total) AS STRING), '?'), ' minutes'
  ) AS culprit
FROM nba_reference.expected_games AS e
CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
LEFT JOIN {staged} AS s ON s.game_id = e.game_id AND s.team_abbr = team AND s.game_date BETWEEN @start_date AND @end_date
LEFT JOIN nba_raw.nbac_team_boxscore AS t
  ON t.game_id = e.game_id AND t.team_abbr = team AND t.game_date BETWEEN @start_date AND @end_date
LEFT JOIN nba_reference.accepted_games AS a
  ON a.game_id = e.game_id AND a.game_date = e.partition_date AND a.table_name = '{table}'
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.partition_date, e.game_id, team
