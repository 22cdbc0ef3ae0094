-- The images of the run's coffees and variants, and whether the row is still as the run left it.
CREATE TEMPORARY TABLE run_images ON COMMIT DROP AS
WITH live AS (
  SELECT 'coffees' AS table_name, id::text AS row_id, to_jsonb(c) AS row FROM coffees c
  UNION ALL SELECT 'variants', id::text, to_jsonb(v) FROM variants v
)
SELECT i.table_name, i.row_id, i.before, l.row_id IS NOT NULL AND i.after_digest = encode(sha256(convert_to(
  (l.row - '{created_at,updated_at,backfill_run_id}'::text[])::text, 'UTF8')), 'hex') AS is_intact
FROM row_before_images i
LEFT JOIN live l ON l.table_name = i.table_name AND l.row_id = i.row_id
WHERE i.backfill_run_id = %(undone)s::uuid AND i.table_name IN ('coffees', 'variants');
