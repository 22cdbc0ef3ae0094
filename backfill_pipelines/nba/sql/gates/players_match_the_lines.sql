-- One item for each (game, player) of player_lines or of the table: it is in both.
WITH lines AS (
  SELECT game_date, game_id, player_lookup
  FROM nba_raw.player_lines
  WHERE game_date BETWEEN @start_date AND @end_date
),
found AS (
  SELECT game_date, game_id, player_lookup
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
)
SELECT
  IFNULL(l.game_date, f.game_date) AS partition_date,
  l.game_id IS NOT NULL AND f.game_id IS NOT NULL AS ok,
  CONCAT(
    IFNULL(l.game_id, f.game_id), '/', IFNULL(l.player_lookup, f.player_lookup),
    IF(f.game_id IS NULL, ' is missing', ' has no line')
  ) AS culprit
FROM lines AS l
FULL OUTER JOIN found AS f ON f.game_id = l.game_id AND f.player_lookup = l.player_lookup
