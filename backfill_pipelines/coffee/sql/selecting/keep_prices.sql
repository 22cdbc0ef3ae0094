-- Prices as they are stored.
UPDATE staged_variants v SET price = o.price, currency = o.currency, compare_at_price = o.compare_at_price,
  price_from = o.price_from
FROM staged_products s
JOIN staged_captures a USING (artifact_no)
JOIN product_artifacts p ON p.artifact_id = a.artifact_id AND p.platform_product_id = s.platform_product_id
JOIN variant_observations o ON o.product_artifact_id = p.id
WHERE s.product_no = v.product_no AND o.platform_variant_id = v.platform_variant_id;
