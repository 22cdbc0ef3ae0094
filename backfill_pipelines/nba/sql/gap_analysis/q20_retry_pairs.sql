-- Which (date, processor) pairs must be retried, and what was their last error?
-- Grain: one row for each unresolved (processor, date).
-- failure_count: failed runs since the last success.
-- Corrected: a pair that a later run cured is gone; the original listed it for ever.
WITH runs AS (
  SELECT
    h.data_date,
    h.processor_name,
    h.success,
    h.processed_at,
    MAX(IF(h.success, h.processed_at, NULL)) OVER (PARTITION BY h.processor_name, h.data_date) AS last_success
  FROM nba_reference.processor_run_history AS h
  WHERE h.data_date BETWEEN @start_date AND @end_date
)
SELECT
  l.data_date,
  l.processor_name,
  COUNT(*) AS failure_count,
  l.error_message AS last_error,
  l.processed_at AS last_attempt
FROM nba_reference.latest_runs AS l
JOIN runs AS r ON r.data_date = l.data_date AND r.processor_name = l.processor_name
WHERE l.data_date BETWEEN @start_date AND @end_date
  AND NOT l.success
  AND NOT r.success
  AND (r.last_success IS NULL OR r.processed_at >= r.last_success)
GROUP BY l.data_date, l.processor_name, l.error_message, l.processed_at
ORDER BY l.data_date, l.processor_name
