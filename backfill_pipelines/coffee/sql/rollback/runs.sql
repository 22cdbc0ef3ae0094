-- The rollback is a run of its own, by which its corrections are known.
INSERT INTO backfill_runs (id, mode, scope, plan, fingerprint, status, started_at)
VALUES (%(run)s, 'selective', jsonb_build_object('rollback_of', %(undone)s::text), '{}', %(undone)s::text, 'running', now());
