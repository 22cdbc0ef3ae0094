-- The partitions of a backfill, all still to be done. Parameters: run (uuid), roasters (uuid[]), days (date[]).
INSERT INTO backfill_partitions (backfill_run_id, roaster_id, day)
SELECT %(run)s, roaster_id, day FROM unnest(%(roasters)s::uuid[], %(days)s::date[]) AS p (roaster_id, day)
ON CONFLICT DO NOTHING;
