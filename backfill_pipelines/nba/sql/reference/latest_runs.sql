-- Grain: (processor_name, data_date): the latest row of the run history. A failed one is an unresolved failure.
SELECT * EXCEPT (newest)
FROM (
  SELECT
    h.phase,
    h.processor_name,
    h.data_date,
    h.season_year,
    h.status,
    h.success,
    h.error_category,
    h.error_message,
    h.skip_reason,
    h.processing_decision,
    h.triggered_by,
    h.skip_downstream,
    h.partition_digest,
    h.processed_at,
    h.created_at,
    ROW_NUMBER() OVER (
      PARTITION BY h.processor_name, h.data_date ORDER BY h.processed_at DESC, h.attempt DESC, h.run_id
    ) AS newest
  FROM nba_reference.processor_run_history AS h
  WHERE h.data_date >= DATE '2021-10-19'
)
WHERE newest = 1
