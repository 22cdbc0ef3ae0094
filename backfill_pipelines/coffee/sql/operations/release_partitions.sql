-- Partitions whose worker is gone wait again: their own lease has run out, or their run was reaped.
-- Parameters: now (timestamptz), runs (uuid[]).
UPDATE backfill_partitions b SET state = 'pending', lease_until = NULL, error_code = 'crashed',
  error = 'its worker was not heard of any more', updated_at = %(now)s
WHERE b.state = 'running' AND (b.lease_until < %(now)s OR EXISTS (
  SELECT 1 FROM scrape_runs r WHERE r.id = ANY(%(runs)s::uuid[]) AND r.error_code = 'crashed'
    AND r.backfill_run_id = b.backfill_run_id AND r.roaster_id = b.roaster_id AND r.partition_date = b.day));
