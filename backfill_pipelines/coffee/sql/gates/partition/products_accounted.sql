-- Products of the bodies that are neither staged nor set aside, or that are both.
WITH aside AS (
  SELECT artifact_no, count(*) AS products FROM (
    SELECT DISTINCT artifact_no, platform_product_id, detail ->> 'product_index' FROM staged_rejected
    WHERE platform_variant_id = '' AND (platform_product_id <> '' OR detail ? 'product_index')) r
  GROUP BY artifact_no
), staged AS (
  SELECT artifact_no, count(DISTINCT coffee_id) AS products FROM staged_products GROUP BY artifact_no
), counted AS (
  SELECT c.partition, c.artifact_id, c.captured_products AS captured, COALESCE(s.products, 0) AS staged,
    COALESCE(a.products, 0) AS aside
  FROM staged_captures c
  LEFT JOIN staged s USING (artifact_no)
  LEFT JOIN aside a USING (artifact_no)
)
SELECT partition, sum(captured), sum(abs(captured - staged - aside)),
  (array_agg(artifact_id || ': ' || captured || ' captured, ' || staged || ' staged, ' || aside || ' set aside'
    ORDER BY artifact_id) FILTER (WHERE captured <> staged + aside))[1:20]
FROM counted GROUP BY partition;
