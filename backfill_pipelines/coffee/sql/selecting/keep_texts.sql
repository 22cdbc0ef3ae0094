-- What variants are called and what was read from it, as it is stored.
UPDATE staged_variants v SET sku = o.sku, title = o.title, options = o.options, weight_g = o.weight_g,
  pack_count = o.pack_count, grind = o.grind, grind_raw = o.grind_raw,
  subscription_available = o.subscription_available, codes = o.codes
FROM staged_products s
JOIN staged_captures a USING (artifact_no)
JOIN product_artifacts p ON p.artifact_id = a.artifact_id AND p.platform_product_id = s.platform_product_id
JOIN variant_observations o ON o.product_artifact_id = p.id
WHERE s.product_no = v.product_no AND o.platform_variant_id = v.platform_variant_id;
