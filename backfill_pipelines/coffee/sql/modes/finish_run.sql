-- A backfill is over. Parameters: run (uuid), status, totals (jsonb).
UPDATE backfill_runs SET status = %(status)s, totals = %(totals)s, finished_at = now() WHERE id = %(run)s;
