-- Stock as it is stored.
UPDATE staged_variants v SET in_stock = o.in_stock, stock_qty = o.stock_qty
FROM staged_products s
JOIN staged_captures a USING (artifact_no)
JOIN product_artifacts p ON p.artifact_id = a.artifact_id AND p.platform_product_id = s.platform_product_id
JOIN variant_observations o ON o.product_artifact_id = p.id
WHERE s.product_no = v.product_no AND o.platform_variant_id = v.platform_variant_id;
