-- Prices of a variant and instant that another artifact says otherwise, published or staged.
WITH priced AS (
  SELECT c.partition, COALESCE(sum(n.prices), 0) AS prices
  FROM staged_captures c
  LEFT JOIN staged_products p USING (artifact_no)
  LEFT JOIN staged_totals n USING (product_no)
  GROUP BY c.partition
), found AS (
  SELECT partition, count(*) AS conflicts, (array_agg('product ' || platform_product_id || ' variant '
    || platform_variant_id || ': ' || price || ' and ' || other ORDER BY platform_product_id, platform_variant_id))[1:20]
    AS sample
  FROM staged_conflicts GROUP BY partition
)
SELECT p.partition, p.prices, COALESCE(f.conflicts, 0), f.sample
FROM priced p
LEFT JOIN found f ON f.partition = p.partition;
