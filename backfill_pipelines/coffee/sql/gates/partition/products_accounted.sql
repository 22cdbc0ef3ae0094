-- Products of the bodies that are neither staged nor set aside, or that are both.
WITH aside AS (
  SELECT DISTINCT artifact_no, platform_product_id, detail ->> 'product_index' AS product_index
  FROM staged_rejected
  WHERE platform_variant_id = '' AND (platform_product_id <> '' OR detail ? 'product_index')
), counted AS (
  SELECT c.partition, c.artifact_id, c.captured_products AS captured,
    (SELECT count(DISTINCT p.platform_product_id) FROM staged_products p WHERE p.artifact_no = c.artifact_no) AS staged,
    (SELECT count(*) FROM aside a WHERE a.artifact_no = c.artifact_no) AS aside
  FROM staged_captures c
)
SELECT partition, sum(captured), sum(abs(captured - staged - aside)),
  (array_agg(artifact_id || ': ' || captured || ' captured, ' || staged || ' staged, ' || aside || ' set aside'
    ORDER BY artifact_id) FILTER (WHERE captured <> staged + aside))[1:20]
FROM counted GROUP BY partition;
