-- What persons had set and the run has given effect to: without this the fold would say it again.
DELETE FROM field_overrides o USING row_before_images i
WHERE i.backfill_run_id = %(undone)s::uuid AND i.table_name = 'field_overrides'
  AND i.row_id = o.coffee_id || ':' || o.field
  AND i.after_digest = encode(sha256(convert_to(to_jsonb(o)::text, 'UTF8')), 'hex');
