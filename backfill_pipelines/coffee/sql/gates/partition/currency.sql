-- Variants in another currency than the one of the source that was in force.
WITH found AS (
  SELECT c.partition, count(*) AS variants, (array_agg('product ' || p.platform_product_id || ' variant '
    || v.platform_variant_id || ': ' || v.currency || ', not ' || c.currency
    ORDER BY p.platform_product_id, v.platform_variant_id))[1:20] AS sample
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  JOIN staged_totals t ON t.product_no = p.product_no
    AND (t.first_currency <> c.currency OR t.last_currency <> c.currency)
  JOIN staged_variants v ON v.product_no = p.product_no
  WHERE v.currency <> c.currency
  GROUP BY c.partition
)
SELECT c.partition, sum(t.variants), COALESCE(max(f.variants), 0), max(f.sample)
FROM staged_captures c
JOIN staged_products p USING (artifact_no)
JOIN staged_totals t USING (product_no)
LEFT JOIN found f USING (partition)
GROUP BY c.partition;
