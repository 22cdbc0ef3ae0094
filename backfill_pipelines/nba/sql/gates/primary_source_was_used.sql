-- One item for each date with lines: at most 5 % of them come from the fallback source.
SELECT
  game_date AS partition_date,
  SAFE_DIVIDE(COUNTIF(source = 'bdl_boxscores'), COUNT(*)) <= 0.05 AS ok,
  CONCAT(CAST(COUNTIF(source = 'bdl_boxscores') AS STRING), ' of ', CAST(COUNT(*) AS STRING), ' lines from ball-dont-lie')
    AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date
GROUP BY game_date
