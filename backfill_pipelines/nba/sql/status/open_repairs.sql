-- Grain: (table_name, partition_date, repair_id): every partition, stale or not, of the repairs that still have a
-- stale one in a range of dates. A season is the range: no repair crosses it.
SELECT
  table_name, partition_date, repair_id, reason_chain, caused_by_table, caused_by_date, digest_before,
  marked_at, resolved_at, resolution
FROM nba_reference.stale_partitions
WHERE partition_date BETWEEN @start_date AND @end_date
  AND repair_id IN (
    SELECT repair_id
    FROM nba_reference.stale_partitions
    WHERE partition_date BETWEEN @start_date AND @end_date AND resolved_at IS NULL
  )
ORDER BY repair_id, table_name, partition_date
