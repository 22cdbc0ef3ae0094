-- The normalised fields of products as they are stored.
UPDATE staged_products s SET normalized = p.normalized, content_hash = p.content_hash, codes = p.codes,
  status = p.validation_status
FROM staged_captures a, product_artifacts p
WHERE a.artifact_no = s.artifact_no AND p.artifact_id = a.artifact_id
  AND p.platform_product_id = s.platform_product_id;
