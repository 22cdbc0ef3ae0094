-- How long does each processor take for a date?
-- Grain: one row for each processor, over all its runs on a date that had something to do.
-- Corrected: skipped dates cost nothing and are left out, where they made a processor look fast.
SELECT
  processor_name,
  COUNT(*) AS runs,
  CAST(ROUND(AVG(processing_time_seconds), 3) AS NUMERIC) AS avg_seconds,
  CAST(ROUND(MIN(processing_time_seconds), 3) AS NUMERIC) AS min_seconds,
  CAST(ROUND(MAX(processing_time_seconds), 3) AS NUMERIC) AS max_seconds,
  CAST(ROUND(STDDEV(processing_time_seconds), 3) AS NUMERIC) AS stddev_seconds
FROM nba_reference.processor_run_history
WHERE data_date BETWEEN @start_date AND @end_date AND status <> 'skipped'
GROUP BY processor_name
ORDER BY AVG(processing_time_seconds) DESC, processor_name
