-- Grain: a day of a roaster, as the newest backfill that came to a verdict of it left it.
-- Parameters: roasters (uuid[]), first, last (date, both included).
SELECT DISTINCT ON (roaster_id, day) roaster_id, day, state, input_digest
FROM backfill_partitions
WHERE roaster_id = ANY (%(roasters)s) AND day BETWEEN %(first)s AND %(last)s
  AND state IN ('ok', 'partial', 'failed', 'unrecoverable')
ORDER BY roaster_id, day, updated_at DESC;
