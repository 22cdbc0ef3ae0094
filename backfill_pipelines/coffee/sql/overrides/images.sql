-- The overrides that the run gives effect to: a rollback withdraws those that are still as they were then.
INSERT INTO row_before_images (backfill_run_id, table_name, row_id, after_digest)
SELECT %(run)s::uuid, 'field_overrides', o.coffee_id || ':' || o.field,
  encode(sha256(convert_to(to_jsonb(o)::text, 'UTF8')), 'hex')
FROM field_overrides o
JOIN changed_coffees changed ON changed.id = o.coffee_id
JOIN coffees t ON t.id = o.coffee_id
WHERE to_jsonb(t) -> o.field IS DISTINCT FROM o.value;
