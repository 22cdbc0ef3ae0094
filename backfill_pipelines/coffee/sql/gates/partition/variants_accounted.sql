-- Variants of the bodies that are neither staged nor set aside, alone or with their product.
WITH aside AS (
  SELECT artifact_no, sum(variants) AS variants FROM (
    SELECT artifact_no, max(COALESCE((detail ->> 'variants')::int, 0)) AS variants FROM staged_rejected
    WHERE platform_variant_id = '' GROUP BY artifact_no, platform_product_id, detail ->> 'product_index'
    UNION ALL
    SELECT artifact_no, count(DISTINCT (platform_product_id, platform_variant_id)) FROM staged_rejected
    WHERE platform_variant_id <> '' GROUP BY artifact_no) a
  GROUP BY artifact_no
), staged AS (
  SELECT p.artifact_no, sum(n.variants) AS variants
  FROM staged_totals n
  JOIN staged_products p USING (product_no)
  GROUP BY p.artifact_no
), counted AS (
  SELECT c.partition, c.artifact_id, c.captured_variants AS captured, COALESCE(s.variants, 0) AS staged,
    COALESCE(a.variants, 0) AS aside
  FROM staged_captures c
  LEFT JOIN staged s USING (artifact_no)
  LEFT JOIN aside a USING (artifact_no)
)
SELECT partition, sum(captured), sum(abs(captured - staged - aside)),
  (array_agg(artifact_id || ': ' || captured || ' captured, ' || staged || ' staged, ' || aside || ' set aside'
    ORDER BY artifact_id) FILTER (WHERE captured <> staged + aside))[1:20]
FROM counted GROUP BY partition;
