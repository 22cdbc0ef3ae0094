-- Variants in another currency than the one of the source that was in force.
SELECT c.partition, count(*) FILTER (WHERE true), count(*) FILTER (WHERE v.currency <> c.currency),
  (array_agg('product ' || p.platform_product_id || ' variant ' || v.platform_variant_id || ': ' || v.currency || ', not ' || c.currency
    ORDER BY p.platform_product_id, v.platform_variant_id) FILTER (WHERE v.currency <> c.currency))[1:20]
FROM staged_captures c
JOIN staged_products p USING (artifact_no)
JOIN staged_variants v USING (product_no)
GROUP BY c.partition;
