-- The variants whose stored row is not what the fold says.
CREATE TEMPORARY TABLE changed_variants ON COMMIT DROP AS
SELECT t.id
FROM folded_variants f
JOIN variants t ON t.id = f.id
WHERE ROW(t.sku, t.title, t.weight_g, t.pack_count, t.grind, t.currency, t.price_current, t.compare_at_price,
    t.in_stock, t.stock_qty, t.subscription_available, t.status, t.source_raw, t.first_seen_at, t.last_seen_at,
    t.observed_at, t.price_last_checked_at)
  IS DISTINCT FROM ROW(f.sku, f.title, f.weight_g, f.pack_count, f.grind, f.currency, f.price_current, f.compare_at_price,
    f.in_stock, f.stock_qty, f.subscription_available, f.status, f.source_raw, f.first_seen_at, f.last_seen_at,
    f.observed_at, f.price_last_checked_at);
