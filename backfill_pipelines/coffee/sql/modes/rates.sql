-- Grain: one row: what the newest backfills that ended well have measured, all together.
SELECT sum((totals ->> 'bytes')::float) AS bytes, sum((totals ->> 'derive_seconds')::float) AS derive_seconds,
  sum((totals ->> 'rows')::float) AS rows, sum((totals ->> 'publish_seconds')::float) AS publish_seconds
FROM (
  SELECT totals FROM backfill_runs
  WHERE status = 'ok' AND (totals ->> 'derive_seconds')::float > 0 AND (totals ->> 'publish_seconds')::float > 0
  ORDER BY finished_at DESC LIMIT 20) newest;
