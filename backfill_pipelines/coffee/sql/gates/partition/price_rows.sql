-- Priced variants that cannot become a price row that says what they say: more places than the column has, no currency.
WITH counted AS (
  SELECT product_no, count(price) AS prices FROM staged_variants GROUP BY product_no
), nameless AS (
  SELECT currency FROM (SELECT DISTINCT currency FROM staged_variants) s WHERE currency !~ '^[A-Z]{3}$'
), found AS (
  SELECT c.partition, count(*) AS prices, (array_agg('product ' || p.platform_product_id || ' variant '
    || v.platform_variant_id || ': ' || v.price || ' ' || v.currency
    ORDER BY p.platform_product_id, v.platform_variant_id))[1:20] AS sample
  FROM staged_variants v
  JOIN staged_products p USING (product_no)
  JOIN staged_captures c USING (artifact_no)
  WHERE v.price IS NOT NULL AND (v.price >= 1e9 OR v.price <= -1e9 OR v.price_from = 'none'
    OR (scale(v.price) > 3 AND v.price <> round(v.price, 3)) OR v.currency IN (SELECT currency FROM nameless))
  GROUP BY c.partition
)
SELECT c.partition, sum(n.prices), COALESCE(max(f.prices), 0), max(f.sample)
FROM counted n
JOIN staged_products p USING (product_no)
JOIN staged_captures c USING (artifact_no)
LEFT JOIN found f USING (partition)
GROUP BY c.partition;
