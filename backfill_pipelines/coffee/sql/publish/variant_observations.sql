-- One row for each variant of a new or replaced observation.
INSERT INTO variant_observations (product_artifact_id, platform_variant_id, price, currency, compare_at_price,
  price_from, in_stock, stock_qty, sku, title, options, weight_g, pack_count, grind, grind_raw, subscription_available,
  codes)
SELECT p.product_artifact_id, s.platform_variant_id, s.price, s.currency, s.compare_at_price, s.price_from, s.in_stock,
  s.stock_qty, s.sku, s.title, s.options, s.weight_g, s.pack_count, s.grind, s.grind_raw, s.subscription_available,
  s.codes
FROM publishing p
JOIN staged_variants s USING (product_no)
WHERE p.standing IN ('new', 'replaces');
