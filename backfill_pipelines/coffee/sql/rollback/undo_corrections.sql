-- Corrections of the run on rows of earlier runs are corrected back to what was in force before, if they still are.
WITH latest AS (
  SELECT DISTINCT ON (price_id) * FROM price_corrections
  WHERE price_id IN (SELECT price_id FROM price_corrections WHERE backfill_run_id = %(undone)s::uuid)
  ORDER BY price_id, id DESC
)
INSERT INTO price_corrections (price_id, voided, price, currency, compare_at_price, reason, transform_version,
  backfill_run_id)
SELECT p.id, COALESCE(b.voided, false), CASE WHEN b.id IS NULL THEN p.price ELSE b.price END,
  CASE WHEN b.id IS NULL THEN p.currency ELSE b.currency END,
  CASE WHEN b.id IS NULL THEN p.compare_at_price ELSE b.compare_at_price END, 'rolled back', b.transform_version,
  %(run)s::uuid
FROM latest l
JOIN prices p ON p.id = l.price_id
LEFT JOIN LATERAL (
  SELECT * FROM price_corrections c WHERE c.price_id = p.id AND c.id < l.id ORDER BY c.id DESC LIMIT 1
) b ON true
WHERE l.backfill_run_id = %(undone)s::uuid AND p.backfill_run_id IS DISTINCT FROM %(undone)s::uuid;
