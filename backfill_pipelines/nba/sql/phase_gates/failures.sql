-- Grain: (required table, date) of a phase whose latest run failed: no later run has cured it.
SELECT t.table_name, r.data_date, r.error_category, r.error_message
FROM nba_reference.latest_runs AS r
JOIN nba_reference.catalog_tables AS t ON t.processor_name = r.processor_name
WHERE t.phase = @phase AND t.is_required AND NOT r.success AND r.data_date BETWEEN @start_date AND @end_date
ORDER BY r.data_date, t.position
