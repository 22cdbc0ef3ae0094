-- Its variants, with the price that they have. Their history of prices is another matter: ``prices``.
INSERT INTO variant_observations (product_artifact_id, platform_variant_id, price, currency, compare_at_price,
  price_from, in_stock, stock_qty, sku, title, options, weight_g, pack_count, grind, subscription_available)
SELECT v.coffee_id, v.platform_variant_id,
  CASE WHEN v.price_current > 0 THEN v.price_current END, v.currency, v.compare_at_price,
  CASE WHEN v.price_current > 0 THEN 'variant' ELSE 'none' END, v.in_stock, v.stock_qty, v.sku, v.title,
  COALESCE(v.source_raw -> 'options', '[]'), v.weight_g, v.pack_count, v.grind, v.subscription_available
FROM variants v
WHERE v.coffee_id = ANY(%(coffees)s)
ON CONFLICT DO NOTHING;
