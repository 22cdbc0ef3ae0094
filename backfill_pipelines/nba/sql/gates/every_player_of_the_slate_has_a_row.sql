-- One item for each (game, player) of upcoming_player_game_context outside the bootstrap days, or of the table: both.
WITH slate AS (
  SELECT u.game_date, u.game_id, u.player_lookup
  FROM nba_analytics.upcoming_player_game_context AS u
  JOIN nba_reference.expected_precompute_games AS g ON g.key = u.game_id AND g.partition_date = u.game_date
  WHERE u.game_date BETWEEN @start_date AND @end_date AND g.partition_date BETWEEN @start_date AND @end_date
),
found AS (
  SELECT analysis_date, game_id, player_lookup
  FROM {staged}
  WHERE analysis_date BETWEEN @start_date AND @end_date
)
SELECT
  IFNULL(s.game_date, f.analysis_date) AS partition_date,
  s.game_id IS NOT NULL AND f.game_id IS NOT NULL AS ok,
  CONCAT(
    IFNULL(s.game_id, f.game_id), '/', IFNULL(s.player_lookup, f.player_lookup),
    IF(f.game_id IS NULL, ' is missing', ' is not of the slate')
  ) AS culprit
FROM slate AS s
FULL OUTER JOIN found AS f
  ON f.analysis_date = s.game_date AND f.game_id = s.game_id AND f.player_lookup = s.player_lookup
