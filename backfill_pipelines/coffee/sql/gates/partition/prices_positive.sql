-- Prices that are zero or negative.
WITH found AS (
  SELECT c.partition, count(*) AS prices, (array_agg('product ' || p.platform_product_id || ' variant '
    || v.platform_variant_id || ': ' || v.price ORDER BY p.platform_product_id, v.platform_variant_id))[1:20] AS sample
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  JOIN staged_totals t ON t.product_no = p.product_no AND t.least <= 0
  JOIN staged_variants v ON v.product_no = p.product_no
  WHERE v.price <= 0
  GROUP BY c.partition
)
SELECT c.partition, sum(t.prices), COALESCE(max(f.prices), 0), max(f.sample)
FROM staged_captures c
JOIN staged_products p USING (artifact_no)
JOIN staged_totals t USING (product_no)
LEFT JOIN found f USING (partition)
GROUP BY c.partition;
