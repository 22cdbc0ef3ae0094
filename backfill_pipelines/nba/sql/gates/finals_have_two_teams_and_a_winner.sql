-- One item for each final, exhibitions exempt: two different teams, different scores above zero, a winner.
SELECT
  game_date AS partition_date,
  home_team_tricode != away_team_tricode
    AND IFNULL(home_team_score, 0) > 0
    AND IFNULL(away_team_score, 0) > 0
    AND home_team_score != away_team_score
    AND winning_team_tricode IS NOT NULL AS ok,
  CONCAT(
    game_id, ' ended ', IFNULL(CAST(away_team_score AS STRING), '?'), '-', IFNULL(CAST(home_team_score AS STRING), '?')
  ) AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date AND game_status = 3 AND NOT is_postponed AND game_type != 'all_star'
