-- The rollback is a run of its own, by which its corrections are known.
INSERT INTO backfill_runs (id, mode, scope, plan, fingerprint, status, started_at)
SELECT %(run)s, 'selective', scope || jsonb_build_object('mode', 'selective', 'rollback_of', %(undone)s::text), '{}',
  %(undone)s::text, 'running', now()
FROM backfill_runs WHERE id = %(undone)s::uuid;
