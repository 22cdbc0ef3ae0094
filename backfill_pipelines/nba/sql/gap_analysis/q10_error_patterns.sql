-- What goes wrong, how often, and where?
-- Grain: one row for each error category and error type: the text before the first colon, the gate for one.
-- Every failed run counts, cured or not.
-- Corrected: a message without a colon is a type of its own instead of being dropped.
WITH failures AS (
  SELECT
    IFNULL(error_category, 'UNKNOWN') AS error_category,
    CASE
      WHEN error_message IS NULL THEN 'no message'
      WHEN STRPOS(error_message, ':') > 1 THEN SUBSTR(error_message, 1, STRPOS(error_message, ':') - 1)
      ELSE SUBSTR(error_message, 1, 80)
    END AS error_type,
    data_date,
    processor_name,
    created_at
  FROM nba_reference.processor_run_history
  WHERE data_date BETWEEN @start_date AND @end_date AND NOT success
)
SELECT
  error_category,
  error_type,
  COUNT(*) AS occurrences,
  COUNT(DISTINCT data_date) AS affected_dates,
  COUNT(DISTINCT processor_name) AS affected_processors,
  MIN(created_at) AS first_seen,
  MAX(created_at) AS last_seen
FROM failures
GROUP BY error_category, error_type
ORDER BY occurrences DESC, error_category, error_type
