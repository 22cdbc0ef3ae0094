-- A backfill is over, or goes on in another process (running). Parameters: run (uuid), status, totals (jsonb).
UPDATE backfill_runs SET status = %(status)s, totals = %(totals)s, finished_at = CASE %(status)s
  WHEN 'running' THEN NULL ELSE now() END
WHERE id = %(run)s;
