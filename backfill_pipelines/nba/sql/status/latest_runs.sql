-- Grain: (table, data_date): how the latest run of each date of a range ended, and how long it took.
WITH latest AS (
  SELECT
    output_dataset, output_table, data_date, success, processing_time_seconds,
    ROW_NUMBER() OVER (
      PARTITION BY output_dataset, output_table, data_date ORDER BY processed_at DESC, attempt DESC
    ) AS newest
  FROM nba_reference.processor_run_history
  WHERE data_date BETWEEN @start_date AND @end_date
)
SELECT output_dataset, output_table, data_date, success, processing_time_seconds
FROM latest
WHERE newest = 1
