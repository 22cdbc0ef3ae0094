-- Grain: (table_name, partition_date, repair_id): every partition of some repairs, stale or not.
SELECT
  table_name, partition_date, repair_id, reason_chain, caused_by_table, caused_by_date, digest_before,
  marked_at, resolved_at, resolution
FROM nba_reference.stale_partitions
WHERE partition_date BETWEEN @start_date AND @end_date
  AND repair_id IN (SELECT id FROM UNNEST(@repair_ids) AS id)
ORDER BY repair_id, table_name, partition_date
