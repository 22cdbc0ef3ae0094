-- One item for each player of a game: every score lies in its range.
SELECT
  analysis_date AS partition_date,
  IFNULL(
    fatigue_score BETWEEN 0 AND 100
      AND shot_zone_mismatch_score BETWEEN -10 AND 10
      AND pace_score BETWEEN -3 AND 3
      AND usage_spike_score BETWEEN -3 AND 3
      AND total_composite_adjustment BETWEEN -21 AND 16,
    FALSE
  ) AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' fatigue ', IFNULL(CAST(fatigue_score AS STRING), 'NULL'),
    ', mismatch ', IFNULL(FORMAT('%.1f', shot_zone_mismatch_score), 'NULL'),
    ', pace ', IFNULL(FORMAT('%.1f', pace_score), 'NULL'),
    ', usage ', IFNULL(FORMAT('%.1f', usage_spike_score), 'NULL'),
    ', total ', IFNULL(FORMAT('%.2f', total_composite_adjustment), 'NULL')
  ) AS culprit
FROM {staged}
WHERE analysis_date BETWEEN @start_date AND @end_date
