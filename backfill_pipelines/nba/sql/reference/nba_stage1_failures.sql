-- Grain: (table, date) of phase 2 whose latest run failed, with the files that were set aside: the retry list.
WITH latest AS (
  SELECT
    h.output_dataset,
    h.output_table,
    h.data_date,
    h.season_year,
    h.success,
    h.error_category,
    h.error_message,
    ROW_NUMBER() OVER (
      PARTITION BY h.processor_name, h.data_date ORDER BY h.processed_at DESC, h.attempt DESC
    ) AS newest
  FROM nba_reference.processor_run_history AS h
  WHERE h.data_date >= DATE '2021-10-19' AND h.phase = 'phase_2_raw'
),
files AS (
  SELECT q.table_name, q.game_date, STRING_AGG(q.object_key, ', ' ORDER BY q.object_key) AS files
  FROM nba_reference.file_quarantine AS q
  WHERE q.game_date >= DATE '2021-10-19' AND q.resolved_at IS NULL
  GROUP BY q.table_name, q.game_date
)
SELECT
  l.season_year,
  CONCAT(l.output_dataset, '.', l.output_table) AS table_name,
  l.data_date,
  l.error_category,
  l.error_message,
  f.files
FROM latest AS l
LEFT JOIN files AS f ON f.table_name = CONCAT(l.output_dataset, '.', l.output_table) AND f.game_date = l.data_date
WHERE l.newest = 1 AND NOT l.success
