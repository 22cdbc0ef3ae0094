-- Stored variants that the staged product does not have.
INSERT INTO staged_variants (product_no, variant_id, platform_variant_id, price, currency, compare_at_price, price_from,
  in_stock, stock_qty, sku, title, options, weight_g, pack_count, grind, grind_raw, subscription_available, codes)
SELECT s.product_no, v.id, o.platform_variant_id, o.price, o.currency, o.compare_at_price, o.price_from, o.in_stock,
  o.stock_qty, o.sku, o.title, o.options, o.weight_g, o.pack_count, o.grind, o.grind_raw, o.subscription_available,
  o.codes
FROM staged_products s
JOIN staged_captures a USING (artifact_no)
JOIN product_artifacts p ON p.artifact_id = a.artifact_id AND p.platform_product_id = s.platform_product_id
JOIN variant_observations o ON o.product_artifact_id = p.id
JOIN variants v ON v.coffee_id = s.coffee_id AND v.platform_variant_id = o.platform_variant_id
WHERE NOT EXISTS (
  SELECT FROM staged_variants x WHERE x.product_no = s.product_no AND x.platform_variant_id = o.platform_variant_id);
