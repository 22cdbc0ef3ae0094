-- Grain: a partition of a backfill, or of some roasters and days of it.
-- Parameters: run (uuid), roasters (uuid[]), days (date[]), paired; NULL for all.
SELECT r.slug, b.roaster_id, b.day, b.state, b.attempts, b.input_digest, b.error_code, b.error, b.verdict,
  b.state = 'running' AND b.lease_until >= now() AS is_held
FROM backfill_partitions b
JOIN roasters r ON r.id = b.roaster_id
WHERE b.backfill_run_id = %(run)s AND (%(roasters)s::uuid[] IS NULL
  OR (b.roaster_id, b.day) IN (SELECT * FROM unnest(%(roasters)s::uuid[], %(days)s::date[])))
ORDER BY r.slug, b.day;
