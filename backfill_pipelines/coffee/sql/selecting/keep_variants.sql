-- Staged variants that the stored observation does not have: which variants there are is content.
DELETE FROM staged_variants v USING staged_products s, staged_captures a, product_artifacts p
WHERE s.product_no = v.product_no AND a.artifact_no = s.artifact_no
  AND p.artifact_id = a.artifact_id AND p.platform_product_id = s.platform_product_id
  AND NOT EXISTS (
    SELECT FROM variant_observations o
    WHERE o.product_artifact_id = p.id AND o.platform_variant_id = v.platform_variant_id);
