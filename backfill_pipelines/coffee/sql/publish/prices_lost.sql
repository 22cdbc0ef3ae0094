-- The staged prices that had no row and have none after inserting.
SELECT p.coffee_id, p.platform_product_id, s.platform_variant_id, o.observed_at
FROM prices_open o
JOIN publishing p USING (product_no)
JOIN staged_variants s USING (product_no, variant_id)
WHERE o.price_id IS NULL
  AND NOT EXISTS (SELECT FROM prices r WHERE r.variant_id = o.variant_id AND r.scraped_at = o.observed_at);
