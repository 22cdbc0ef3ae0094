-- What a rollback of the run needs: the row as it was before the run (NULL: it was not there), and the digest of the row
-- that the run leaves, by which a later change by someone else is told.
INSERT INTO row_before_images (backfill_run_id, table_name, row_id, before, after_digest)
SELECT %(run)s::uuid, 'coffees', t.id::text, CASE WHEN fresh.id IS NULL THEN to_jsonb(t) END,
  encode(sha256(convert_to((to_jsonb(f) - '{created_at,updated_at,backfill_run_id}'::text[])::text, 'UTF8')), 'hex')
FROM changed_coffees changed
JOIN coffees t ON t.id = changed.id
JOIN folded_coffees f ON f.id = changed.id
LEFT JOIN new_rows fresh ON fresh.id = changed.id
ON CONFLICT (backfill_run_id, table_name, row_id) DO UPDATE SET after_digest = excluded.after_digest;
