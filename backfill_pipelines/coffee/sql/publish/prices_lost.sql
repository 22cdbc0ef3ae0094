-- The staged prices without a row, after inserting.
SELECT p.coffee_id, p.platform_product_id, s.platform_variant_id, p.observed_at
FROM publishing p
JOIN staged_variants s USING (product_no)
WHERE s.price IS NOT NULL AND p.standing <> 'yields'
  AND NOT EXISTS (SELECT FROM prices r WHERE r.variant_id = s.variant_id AND r.scraped_at = p.observed_at);
