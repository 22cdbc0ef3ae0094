-- One item for each date: where there is play-by-play, at least 99 % of the rows have complete zones (on a slate of
-- fewer than 100 rows at most one has not), and no row is more than 2 attempts off.
WITH charted AS (
  SELECT
    game_date, game_id, player_lookup, has_complete_shot_zones,
    ABS(paint_attempts + mid_range_attempts + three_attempts_pbp - fg_attempts) AS attempts_off,
    paint_attempts IS NOT NULL AS is_charted
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
)
SELECT
  game_date AS partition_date,
  IFNULL(MAX(attempts_off), 0) <= 2
    AND COUNTIF(is_charted AND NOT has_complete_shot_zones)
      <= GREATEST(1, CAST(FLOOR(0.01 * COUNTIF(is_charted)) AS INT64)) AS ok,
  CONCAT(
    CAST(COUNTIF(is_charted AND NOT has_complete_shot_zones) AS STRING), ' of ', CAST(COUNTIF(is_charted) AS STRING),
    ' rows incomplete, largest difference ', CAST(IFNULL(MAX(attempts_off), 0) AS STRING), ': ',
    IFNULL(
      STRING_AGG(
        IF(is_charted AND (NOT has_complete_shot_zones OR attempts_off > 2), CONCAT(game_id, '/', player_lookup), NULL),
        ' ' ORDER BY game_id, player_lookup
      ),
      ''
    )
  ) AS culprit
FROM charted
GROUP BY game_date
