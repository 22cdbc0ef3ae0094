-- The run of some overrides, by which it can be rolled back. Parameters: run (uuid), day (date), roaster (slug or NULL).
INSERT INTO backfill_runs (id, mode, scope, plan, fingerprint, status, started_at)
VALUES (%(run)s, 'selective', jsonb_build_object('mode', 'selective', 'first', %(day)s::date, 'last', %(day)s::date,
  'roasters', to_jsonb(array_remove(ARRAY[%(roaster)s::text], NULL)), 'overrides', true), '{}', '', 'running', now());
