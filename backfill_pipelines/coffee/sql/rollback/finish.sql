-- Both runs at the end of a rollback.
UPDATE backfill_runs SET status = CASE WHEN id = %(run)s::uuid THEN 'ok' ELSE 'rolled_back' END, finished_at = now(),
  totals = CASE WHEN id = %(run)s::uuid THEN %(totals)s::jsonb ELSE totals END
WHERE id IN (%(run)s::uuid, %(undone)s::uuid);
