-- State of every table of the catalog on every day of a range, tables in the order of the work.
SELECT table_name, partition_date, season, state, reason, is_required
FROM nba_reference.partition_states
WHERE partition_date BETWEEN @start_date AND @end_date
ORDER BY position, partition_date
