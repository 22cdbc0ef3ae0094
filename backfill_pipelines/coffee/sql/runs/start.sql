-- Grain: one attempt at a source, or one imported file; one that is there is left as it is.
-- Parameters: those of the columns; lease_seconds (null for a run that is over at once).
INSERT INTO scrape_runs (id, source_id, roaster_id, job_type, trigger, tick, partition_date, started_at, backfill_run_id,
  attempt, heartbeat_at, lease_until)
VALUES (%(id)s, %(source_id)s, %(roaster_id)s, %(job_type)s, %(trigger)s, %(tick)s, %(partition_date)s, %(started_at)s,
  %(backfill_run_id)s, %(attempt)s, now(), now() + make_interval(secs => %(lease_seconds)s))
ON CONFLICT (id) DO NOTHING
