-- Grain: one row a shadow schema that no running backfill owns.
SELECT n.nspname AS name FROM pg_namespace n
WHERE n.nspname LIKE 'shadow\_%' AND NOT EXISTS (SELECT 1 FROM backfill_runs b
  WHERE b.status = 'running' AND n.nspname = 'shadow_' || replace(b.id::text, '-', ''))
ORDER BY 1;
