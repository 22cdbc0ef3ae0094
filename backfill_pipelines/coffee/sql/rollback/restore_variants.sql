-- Rows that are still as the run left them become what they were before it.
UPDATE variants t SET sku = r.sku, title = r.title, weight_g = r.weight_g, pack_count = r.pack_count, grind = r.grind, currency =
  r.currency, price_current = r.price_current, compare_at_price = r.compare_at_price, in_stock = r.in_stock,
  stock_qty = r.stock_qty, subscription_available = r.subscription_available, status = r.status, source_raw =
  r.source_raw, first_seen_at = r.first_seen_at, last_seen_at = r.last_seen_at, observed_at = r.observed_at,
  price_last_checked_at = r.price_last_checked_at, backfill_run_id = r.backfill_run_id, updated_at = r.updated_at
FROM intact_images i
CROSS JOIN LATERAL jsonb_populate_record(NULL::variants, i.before) r
WHERE i.table_name = 'variants' AND i.before IS NOT NULL AND t.id = i.row_id::uuid;
