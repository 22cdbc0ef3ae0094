-- Prices that are zero or negative.
SELECT c.partition, count(*) FILTER (WHERE v.price IS NOT NULL), count(*) FILTER (WHERE v.price <= 0),
  (array_agg('product ' || p.platform_product_id || ' variant ' || v.platform_variant_id || ': ' || v.price
    ORDER BY p.platform_product_id, v.platform_variant_id) FILTER (WHERE v.price <= 0))[1:20]
FROM staged_captures c
JOIN staged_products p USING (artifact_no)
JOIN staged_variants v USING (product_no)
GROUP BY c.partition;
