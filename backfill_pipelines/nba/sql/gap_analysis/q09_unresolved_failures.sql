-- Which failures has no later run cured?
-- Grain: one row for each (processor, date) whose latest run failed.
-- Corrected: correlated on processor and date. The original compared a column with itself, so that a success of any
-- processor hid the failure of all others.
SELECT
  data_date,
  processor_name,
  error_category,
  error_message,
  processing_decision,
  created_at,
  CAST(
    ROUND(SAFE_DIVIDE(UNIX_MICROS(CURRENT_TIMESTAMP()) - UNIX_MICROS(created_at), 3600000000), 1) AS NUMERIC
  ) AS hours_ago
FROM nba_reference.latest_runs
WHERE data_date BETWEEN @start_date AND @end_date AND NOT success
ORDER BY data_date, processor_name
