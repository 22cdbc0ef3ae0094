-- One item for each game of a past date that was not postponed: it is final.
SELECT
  game_date AS partition_date,
  game_status = 3 AS ok,
  CONCAT(game_id, ' has status ', CAST(game_status AS STRING), ' (', IFNULL(game_status_text, ''), ')') AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date AND NOT is_postponed
