-- Price rows of an artifact that a person has rejected say what the other artifact of that instant says.
INSERT INTO price_corrections AS existing (price_id, voided, price, currency, compare_at_price, reason,
  transform_version, backfill_run_id)
SELECT DISTINCT ON (r.id) r.id, false, s.price, s.currency, s.compare_at_price, 'its artifact was rejected',
  a.transform_version, %(run)s::uuid
FROM quarantine q
JOIN staged_captures a ON a.roaster_id = q.roaster_id AND a.day = q.day AND a.artifact_id <> q.artifact_id
JOIN staged_products p ON p.artifact_no = a.artifact_no AND p.platform_product_id = q.platform_product_id
JOIN staged_variants s ON s.product_no = p.product_no AND s.platform_variant_id = q.platform_variant_id
JOIN prices r ON r.variant_id = s.variant_id AND r.scraped_at = a.observed_at AND r.artifact_id = q.artifact_id
LEFT JOIN effective_prices e ON e.id = r.id
WHERE q.reason = 'Q_PRICE_CONFLICT' AND q.state = 'rejected' AND s.price IS NOT NULL
  AND (e.price, e.currency, e.compare_at_price) IS DISTINCT FROM (s.price, s.currency::char(3), s.compare_at_price)
ORDER BY r.id, a.artifact_id DESC
ON CONFLICT (price_id, backfill_run_id) DO UPDATE SET voided = false, price = excluded.price,
  currency = excluded.currency, compare_at_price = excluded.compare_at_price, reason = excluded.reason,
  transform_version = excluded.transform_version;
