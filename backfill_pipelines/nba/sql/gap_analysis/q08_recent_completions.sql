-- What ended last?
-- Grain: one row for each of the ten latest runs of a processor on a date that had something to do.
-- Corrected: one row for each run in its final state; skipped dates would fill the list with nothing.
SELECT
  data_date,
  processor_name,
  success,
  rows_processed,
  processing_time_seconds,
  created_at
FROM nba_reference.processor_run_history
WHERE data_date BETWEEN @start_date AND @end_date AND status <> 'skipped'
ORDER BY created_at DESC, data_date DESC, processor_name
LIMIT 10
