-- The fold becomes the stored row, where it differs.
UPDATE variants t SET sku = f.sku, title = f.title, weight_g = f.weight_g, pack_count = f.pack_count, grind = f.grind, currency =
  f.currency, price_current = f.price_current, compare_at_price = f.compare_at_price, in_stock = f.in_stock,
  stock_qty = f.stock_qty, subscription_available = f.subscription_available, status = f.status, source_raw =
  f.source_raw, first_seen_at = f.first_seen_at, last_seen_at = f.last_seen_at, observed_at = f.observed_at,
  price_last_checked_at = f.price_last_checked_at,
  updated_at = now(), backfill_run_id = %(run)s::uuid
FROM folded_variants f
JOIN changed_variants changed ON changed.id = f.id
WHERE t.id = f.id;
