-- Grain: a day of a roaster, as the newest backfill that came to a verdict of it left it; a validation leaves nothing.
-- Parameters: roasters (uuid[]), first, last (date, both included).
SELECT DISTINCT ON (b.roaster_id, b.day) b.roaster_id, b.day, b.state, b.input_digest
FROM backfill_partitions b
JOIN backfill_runs r ON r.id = b.backfill_run_id AND r.mode <> 'validation'
WHERE b.roaster_id = ANY (%(roasters)s) AND b.day BETWEEN %(first)s AND %(last)s
  AND b.state IN ('ok', 'partial', 'failed', 'unrecoverable')
ORDER BY b.roaster_id, b.day, b.updated_at DESC;
