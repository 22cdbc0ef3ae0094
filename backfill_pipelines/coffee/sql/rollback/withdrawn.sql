-- The observations that the run added or replaced and that nobody has replaced since.
CREATE TEMPORARY TABLE withdrawn ON COMMIT DROP AS
SELECT p.id, p.source_id, p.platform_product_id, i.before
FROM product_artifacts p
LEFT JOIN row_before_images i ON i.backfill_run_id = p.backfill_run_id AND i.table_name = 'product_artifacts'
  AND i.row_id = p.id::text
WHERE p.backfill_run_id = %(undone)s::uuid;
