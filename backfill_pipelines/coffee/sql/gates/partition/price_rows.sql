-- Priced variants that cannot become a price row that says what they say: more places than the column has, no currency.
SELECT c.partition, count(*) FILTER (WHERE v.price IS NOT NULL), count(*) FILTER (WHERE v.price <> round(v.price, 3) OR abs(v.price) >= 1e9 OR v.price IS NOT NULL AND (v.currency !~ '^[A-Z]{3}$' OR v.price_from = 'none')),
  (array_agg('product ' || p.platform_product_id || ' variant ' || v.platform_variant_id || ': ' || v.price || ' ' || v.currency
    ORDER BY p.platform_product_id, v.platform_variant_id) FILTER (WHERE v.price <> round(v.price, 3) OR abs(v.price) >= 1e9 OR v.price IS NOT NULL AND (v.currency !~ '^[A-Z]{3}$' OR v.price_from = 'none')))[1:20]
FROM staged_captures c
JOIN staged_products p USING (artifact_no)
JOIN staged_variants v USING (product_no)
GROUP BY c.partition;
