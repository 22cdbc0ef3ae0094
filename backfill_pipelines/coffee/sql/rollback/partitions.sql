-- The run's partitions are to be done again.
UPDATE backfill_partitions SET state = 'pending', input_digest = NULL, updated_at = now()
WHERE backfill_run_id = %(undone)s::uuid AND state IN ('ok', 'partial');
