-- The run's row of a partition, from the publishing transaction on.
INSERT INTO backfill_partitions (backfill_run_id, roaster_id, day, state, input_digest, verdict)
VALUES (%(run)s, %(roaster)s, %(day)s, %(state)s, %(input_digest)s, %(verdict)s)
ON CONFLICT (backfill_run_id, roaster_id, day) DO UPDATE SET state = excluded.state,
  input_digest = excluded.input_digest, verdict = excluded.verdict, lease_until = NULL, error_code = NULL, error = NULL,
  updated_at = now();
