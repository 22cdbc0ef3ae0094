-- How one partition of a backfill ended. Parameters: as the columns; run (uuid), roaster (uuid).
INSERT INTO backfill_partitions AS b (backfill_run_id, roaster_id, day, state, attempts, input_digest, verdict,
  error_code, error)
VALUES (%(run)s, %(roaster)s, %(day)s, %(state)s, 1, %(input_digest)s, %(verdict)s, %(error_code)s, %(error)s)
ON CONFLICT (backfill_run_id, roaster_id, day) DO UPDATE SET state = excluded.state, lease_until = NULL,
  input_digest = excluded.input_digest, verdict = COALESCE(excluded.verdict, b.verdict),
  error_code = excluded.error_code, error = excluded.error, updated_at = now();
