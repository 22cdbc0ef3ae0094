-- Grain: one row a kind of orphan and partition, with how many there are and one of them.
-- Kinds are listed by NOT EXISTS alone: a NULL in a NOT IN would hide every one of them.
WITH found AS (
  SELECT 'runs without artifacts' AS kind, r.roaster_id,
    COALESCE(r.partition_date, (r.started_at AT TIME ZONE 'UTC')::date) AS day, 'run ' || r.id AS one
  FROM scrape_runs r WHERE r.status IN ('ok', 'partial') AND r.job_type <> 'replay'
    AND NOT EXISTS (SELECT 1 FROM scrape_artifacts a WHERE a.run_id = r.id)
  UNION ALL
  SELECT 'artifacts without run', a.roaster_id, a.partition_date, 'artifact ' || a.id
  FROM scrape_artifacts a WHERE NOT EXISTS (SELECT 1 FROM scrape_runs r WHERE r.id = a.run_id)
  UNION ALL
  SELECT 'coffees without variants', c.roaster_id, (c.observed_at AT TIME ZONE 'UTC')::date, 'coffee ' || c.id
  FROM coffees c WHERE NOT EXISTS (SELECT 1 FROM variants v WHERE v.coffee_id = c.id)
  UNION ALL
  SELECT 'variants without price', v.roaster_id, (v.observed_at AT TIME ZONE 'UTC')::date, 'variant ' || v.id
  FROM variants v WHERE NOT EXISTS (SELECT 1 FROM prices p WHERE p.variant_id = v.id)
  UNION ALL
  SELECT 'staged rows without run', s.roaster_id, s.day, 'backfill ' || s.backfill_run_id
  FROM staged_rows s WHERE NOT EXISTS (SELECT 1 FROM backfill_partitions b
    WHERE b.backfill_run_id = s.backfill_run_id AND b.roaster_id = s.roaster_id AND b.day = s.day
      AND b.state IN ('pending', 'running', 'failed'))
)
SELECT f.kind, o.slug, f.day, count(*) AS count, min(f.one) AS one FROM found f JOIN roasters o ON o.id = f.roaster_id
GROUP BY f.kind, o.slug, f.day ORDER BY f.kind, o.slug, f.day;
