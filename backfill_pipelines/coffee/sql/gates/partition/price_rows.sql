-- Priced variants that cannot become a price row that says what they say: more places than the column has, no currency.
WITH doubtful AS (
  SELECT product_no FROM staged_totals
  WHERE most >= 1e9 OR least <= -1e9 OR places > 3 OR has_unpriced OR first_currency <> last_currency
    OR first_currency !~ '^[A-Z]{3}$'
), found AS (
  SELECT c.partition, count(*) AS prices, (array_agg('product ' || p.platform_product_id || ' variant '
    || v.platform_variant_id || ': ' || v.price || ' ' || v.currency
    ORDER BY p.platform_product_id, v.platform_variant_id))[1:20] AS sample
  FROM doubtful
  JOIN staged_variants v USING (product_no)
  JOIN staged_products p USING (product_no)
  JOIN staged_captures c USING (artifact_no)
  WHERE v.price IS NOT NULL AND (v.price <> round(v.price, 3) OR abs(v.price) >= 1e9 OR v.currency !~ '^[A-Z]{3}$'
    OR v.price_from = 'none')
  GROUP BY c.partition
)
SELECT c.partition, sum(t.prices), COALESCE(max(f.prices), 0), max(f.sample)
FROM staged_captures c
JOIN staged_products p USING (artifact_no)
JOIN staged_totals t USING (product_no)
LEFT JOIN found f USING (partition)
GROUP BY c.partition;
