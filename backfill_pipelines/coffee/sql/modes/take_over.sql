-- Partitions that a dead worker of a backfill has left behind wait again. Parameter: run (uuid).
UPDATE backfill_partitions SET state = 'pending', lease_until = NULL, updated_at = now()
WHERE backfill_run_id = %(run)s AND state = 'running';
