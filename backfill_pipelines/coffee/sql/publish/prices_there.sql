-- The staged prices beside the rows that are stored for their variant and instant, after inserting: some were there.
CREATE TEMPORARY TABLE prices_there ON COMMIT DROP AS
SELECT p.coffee_id, p.platform_product_id, s.platform_variant_id, p.observed_at, p.artifact_id, s.price, s.currency,
  s.compare_at_price, a.transform_version, r.id AS price_id, r.artifact_id AS stored_artifact_id,
  r.price AS stored_price, r.currency AS stored_currency, r.compare_at_price AS stored_compare_at_price
FROM publishing p
JOIN staged_captures a ON a.artifact_no = p.artifact_no
JOIN staged_variants s USING (product_no)
LEFT JOIN prices r ON r.variant_id = s.variant_id AND r.scraped_at = p.observed_at
WHERE s.price IS NOT NULL AND p.standing <> 'yields';
