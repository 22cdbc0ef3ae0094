-- Partitions that this worker takes up: those that wait, that failed, or whose worker has let its lease run out.
-- Parameters: run (uuid), roasters (uuid[]), days (date[]), lease (interval).
UPDATE backfill_partitions b SET state = 'running', attempts = b.attempts + 1, lease_until = now() + %(lease)s,
  error_code = NULL, error = NULL, updated_at = now()
FROM unnest(%(roasters)s::uuid[], %(days)s::date[]) AS p (roaster_id, day)
WHERE b.backfill_run_id = %(run)s AND b.roaster_id = p.roaster_id AND b.day = p.day
  AND (b.state IN ('pending', 'failed', 'partial', 'skipped', 'ok', 'unrecoverable')
    OR (b.state = 'running' AND b.lease_until < now()))
RETURNING b.roaster_id, b.day;
