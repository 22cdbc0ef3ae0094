-- A backfill begins, or goes on after it was stopped; one that is over is not begun again.
-- Parameters: run (uuid), dagster_run (text).
UPDATE backfill_runs SET status = 'running', dagster_run_id = %(dagster_run)s, started_at = COALESCE(started_at, now()),
  finished_at = NULL
WHERE id = %(run)s AND status IN ('planned', 'running', 'failed', 'aborted')
RETURNING id;
