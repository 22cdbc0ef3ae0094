-- What the same artifact now says of a price that is stored with another effective value: newer rules, or a row that a
-- rollback had voided. A row of another artifact is never corrected: that is a conflict, and a gate's matter.
WITH stored AS (
  SELECT r.id, r.variant_id, r.scraped_at, r.artifact_id, e.id IS NOT NULL AS is_effective, e.price, e.currency,
    e.compare_at_price
  FROM prices r
  LEFT JOIN effective_prices e ON e.id = r.id
), said AS (
  SELECT s.variant_id, p.observed_at, p.artifact_id, s.price, s.currency, s.compare_at_price, a.transform_version
  FROM publishing p
  JOIN staged_variants s USING (product_no)
  JOIN staged_captures a ON a.artifact_no = p.artifact_no
  WHERE s.price IS NOT NULL AND p.standing <> 'yields'
)
INSERT INTO price_corrections AS existing (price_id, voided, price, currency, compare_at_price, reason,
  transform_version, backfill_run_id)
SELECT r.id, false, s.price, s.currency, s.compare_at_price,
  CASE WHEN r.is_effective THEN 'derived anew from the same artifact' ELSE 'published again after it was voided' END,
  s.transform_version, %(run)s::uuid
FROM said s
JOIN stored r ON r.variant_id = s.variant_id AND r.scraped_at = s.observed_at
WHERE r.artifact_id = s.artifact_id
  AND (NOT r.is_effective
    OR (r.price, r.currency, r.compare_at_price) IS DISTINCT FROM (s.price, s.currency::char(3), s.compare_at_price))
ON CONFLICT (price_id, backfill_run_id) DO UPDATE SET voided = excluded.voided, price = excluded.price,
  currency = excluded.currency, compare_at_price = excluded.compare_at_price, reason = excluded.reason,
  transform_version = excluded.transform_version;
