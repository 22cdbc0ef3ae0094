-- Prices that are zero or negative.
WITH counted AS (
  SELECT product_no, count(price) AS prices FROM staged_variants GROUP BY product_no
), found AS (
  SELECT c.partition, count(*) AS prices, (array_agg('product ' || p.platform_product_id || ' variant '
    || v.platform_variant_id || ': ' || v.price ORDER BY p.platform_product_id, v.platform_variant_id))[1:20] AS sample
  FROM staged_variants v
  JOIN staged_products p USING (product_no)
  JOIN staged_captures c USING (artifact_no)
  WHERE v.price <= 0
  GROUP BY c.partition
)
SELECT c.partition, sum(n.prices), COALESCE(max(f.prices), 0), max(f.sample)
FROM counted n
JOIN staged_products p USING (product_no)
JOIN staged_captures c USING (artifact_no)
LEFT JOIN found f USING (partition)
GROUP BY c.partition;
