-- Grain: a key of a table of a phase that has more than one row.
SELECT d.table_name, d.partition_date, d.key, d.row_count
FROM nba_reference.duplicate_keys AS d
JOIN nba_reference.catalog_tables AS t ON t.table_name = d.table_name
WHERE t.phase = @phase AND d.partition_date BETWEEN @start_date AND @end_date
ORDER BY d.partition_date, d.table_name, d.key
