-- A backfill as it was planned. Parameters: as the columns.
INSERT INTO backfill_runs (id, mode, scope, plan, fingerprint, status)
VALUES (%(id)s, %(mode)s, %(scope)s, %(plan)s, %(fingerprint)s, 'planned')
ON CONFLICT (id) DO NOTHING;
