-- The sources that the rollback works on.
SELECT DISTINCT source_id::text FROM (
  SELECT source_id FROM product_artifacts WHERE backfill_run_id = %(undone)s::uuid
  UNION SELECT c.source_id FROM coffees c JOIN row_before_images i ON i.row_id = c.id::text AND i.table_name = 'coffees'
  WHERE i.backfill_run_id = %(undone)s::uuid) s
ORDER BY 1;
