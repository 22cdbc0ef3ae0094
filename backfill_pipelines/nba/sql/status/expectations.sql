-- Grain: (table_name, partition_date): which dates of a range each table expects, and why it expects none.
SELECT table_name, partition_date, state_expected, reason
FROM nba_reference.expected_partitions
WHERE partition_date BETWEEN @start_date AND @end_date
ORDER BY table_name, partition_date
