-- Variants in another currency than the one of the source that was in force.
WITH counted AS (
  SELECT product_no, count(*) AS variants FROM staged_variants GROUP BY product_no
), wrong AS (
  SELECT p.artifact_no, p.platform_product_id, v.platform_variant_id, v.currency
  FROM staged_variants v
  JOIN staged_products p USING (product_no)
  JOIN staged_captures c USING (artifact_no)
  WHERE v.currency <> c.currency
), found AS (
  SELECT c.partition, count(*) AS variants, (array_agg('product ' || w.platform_product_id || ' variant '
    || w.platform_variant_id || ': ' || w.currency || ', not ' || c.currency
    ORDER BY w.platform_product_id, w.platform_variant_id))[1:20] AS sample
  FROM wrong w JOIN staged_captures c USING (artifact_no) GROUP BY c.partition
)
SELECT c.partition, sum(n.variants), COALESCE(max(f.variants), 0), max(f.sample)
FROM counted n
JOIN staged_products p USING (product_no)
JOIN staged_captures c USING (artifact_no)
LEFT JOIN found f USING (partition)
GROUP BY c.partition;
