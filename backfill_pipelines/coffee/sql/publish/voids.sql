-- Price rows of an artifact that, derived anew, says no price for that variant any more.
INSERT INTO price_corrections AS existing (price_id, voided, reason, transform_version, backfill_run_id)
SELECT r.id, true, 'the same artifact, derived anew, has no price', a.transform_version, %(run)s::uuid
FROM publishing p
JOIN staged_captures a ON a.artifact_no = p.artifact_no
JOIN variants v ON v.coffee_id = p.coffee_id
JOIN effective_prices e ON e.variant_id = v.id AND e.scraped_at = p.observed_at AND e.artifact_id = p.artifact_id
JOIN prices r ON r.id = e.id
LEFT JOIN staged_variants s ON s.product_no = p.product_no AND s.variant_id = v.id
WHERE p.standing = 'replaces' AND s.price IS NULL
ON CONFLICT (price_id, backfill_run_id) DO UPDATE SET voided = true, price = NULL, currency = NULL,
  compare_at_price = NULL, reason = excluded.reason, transform_version = excluded.transform_version;
