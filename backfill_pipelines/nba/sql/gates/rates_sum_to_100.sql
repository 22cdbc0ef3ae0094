-- One item for each player: with shots, the three rates add up to 100 within 2; without, there are none.
SELECT
  analysis_date AS partition_date,
  IF(
    total_shots_last_10 > 0,
    IFNULL(ABS(paint_rate_last_10 + mid_range_rate_last_10 + three_pt_rate_last_10 - 100) <= 2, FALSE),
    paint_rate_last_10 IS NULL AND mid_range_rate_last_10 IS NULL AND three_pt_rate_last_10 IS NULL
  ) AS ok,
  CONCAT(
    player_lookup, ' ', IFNULL(FORMAT('%.2f', paint_rate_last_10), 'NULL'),
    ' + ', IFNULL(FORMAT('%.2f', mid_range_rate_last_10), 'NULL'),
    ' + ', IFNULL(FORMAT('%.2f', three_pt_rate_last_10), 'NULL'),
    ' of ', CAST(total_shots_last_10 AS STRING), ' shots'
  ) AS culprit
FROM {staged}
WHERE analysis_date BETWEEN @start_date AND @end_date
