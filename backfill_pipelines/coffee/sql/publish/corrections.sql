-- What the same artifact now says of a price that is stored with another effective value: newer rules, or a row that a
-- rollback had voided. A row of another artifact is never corrected: that is a conflict, and a gate's matter.
WITH latest AS (
  SELECT DISTINCT ON (price_id) * FROM price_corrections
  WHERE price_id IN (SELECT price_id FROM prices_open) ORDER BY price_id, id DESC
)
INSERT INTO price_corrections AS existing (price_id, voided, price, currency, compare_at_price, reason,
  transform_version, backfill_run_id)
SELECT t.price_id, false, t.price, t.currency, t.compare_at_price,
  CASE WHEN l.voided THEN 'published again after it was voided' ELSE 'derived anew from the same artifact' END,
  a.transform_version, %(run)s::uuid
FROM prices_open t
JOIN staged_captures a USING (artifact_no)
LEFT JOIN latest l ON l.price_id = t.price_id
WHERE t.stored_artifact_id = a.artifact_id
  AND (COALESCE(l.voided, false)
    OR (COALESCE(l.price, t.stored_price), COALESCE(l.currency, t.stored_currency),
        CASE WHEN l.price_id IS NULL THEN t.stored_compare_at_price ELSE l.compare_at_price END)
      IS DISTINCT FROM (t.price, t.currency, t.compare_at_price))
ON CONFLICT (price_id, backfill_run_id) DO UPDATE SET voided = excluded.voided, price = excluded.price,
  currency = excluded.currency, compare_at_price = excluded.compare_at_price, reason = excluded.reason,
  transform_version = excluded.transform_version;
