-- Products of which no observation is stored: they cannot be published in part.
DELETE FROM staged_products s USING staged_captures a
WHERE a.artifact_no = s.artifact_no AND NOT EXISTS (
  SELECT FROM product_artifacts p
  WHERE p.artifact_id = a.artifact_id AND p.platform_product_id = s.platform_product_id);
