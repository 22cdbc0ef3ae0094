-- What the run set aside and nobody has judged.
UPDATE quarantine SET state = 'superseded', resolved_at = now()
WHERE backfill_run_id = %(undone)s::uuid AND state = 'open';
