-- One item for each player: his rest is at least 1, leads to a game of his, and is no shorter than his team's unless he
-- changed team since that game.
WITH found AS (
  SELECT
    game_date, game_id, player_lookup, team_abbr, days_rest,
    DATE_SUB(game_date, INTERVAL IFNULL(days_rest, 0) DAY) AS last_date
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
),
games AS (
  SELECT DISTINCT game_date, player_lookup, team_abbr
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
)
SELECT
  f.game_date AS partition_date,
  f.days_rest IS NULL
    OR (f.days_rest >= 1 AND g.team_abbr IS NOT NULL AND (g.team_abbr != f.team_abbr OR f.days_rest >= t.team_days_rest)) AS ok,
  CONCAT(
    f.game_id, '/', f.player_lookup, ' rest ', IFNULL(CAST(f.days_rest AS STRING), 'NULL'), ', his team ',
    IFNULL(CAST(t.team_days_rest AS STRING), 'NULL'), ', last played for ', IFNULL(g.team_abbr, 'nobody')
  ) AS culprit
FROM found AS f
LEFT JOIN nba_analytics.upcoming_team_game_context AS t
  ON t.game_id = f.game_id AND t.team_abbr = f.team_abbr AND t.game_date BETWEEN @start_date AND @end_date
LEFT JOIN games AS g ON g.player_lookup = f.player_lookup AND g.game_date = f.last_date AND f.days_rest > 0
