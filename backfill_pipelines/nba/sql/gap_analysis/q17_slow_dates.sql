-- Which dates take longest?
-- Grain: one row for each of the twenty slowest dates, over the latest working run of each processor.
-- Corrected: reruns do not add up and skipped dates do not thin the average. A run shares its time equally among its
-- dates, so that dates differ between runs, not within one.
WITH worked AS (
  SELECT
    data_date,
    processor_name,
    processing_time_seconds,
    rows_processed,
    ROW_NUMBER() OVER (
      PARTITION BY processor_name, data_date ORDER BY processed_at DESC, attempt DESC, run_id
    ) AS newest
  FROM nba_reference.processor_run_history
  WHERE data_date BETWEEN @start_date AND @end_date AND status <> 'skipped'
)
SELECT
  data_date,
  COUNT(*) AS processors_run,
  CAST(ROUND(AVG(processing_time_seconds), 3) AS NUMERIC) AS avg_seconds,
  CAST(ROUND(MAX(processing_time_seconds), 3) AS NUMERIC) AS max_seconds,
  SUM(rows_processed) AS rows_processed
FROM worked
WHERE newest = 1
GROUP BY data_date
ORDER BY AVG(processing_time_seconds) DESC, data_date
LIMIT 20
