-- Variants of touched coffees that no observation names any more (derived anew, or rolled back): the row and its price
-- history stay, what observations said of it does not.
INSERT INTO folded_variants
SELECT r.*
FROM touched_coffees t
JOIN variants v ON v.coffee_id = t.coffee_id
LEFT JOIN LATERAL (
  SELECT p.price, p.currency FROM effective_prices p WHERE p.variant_id = v.id
  ORDER BY p.scraped_at DESC, p.id DESC LIMIT 1
) e ON true
CROSS JOIN LATERAL jsonb_populate_record(v, jsonb_build_object('status', 'archived', 'price_current', e.price,
  'currency', COALESCE(e.currency, v.currency), 'compare_at_price', NULL, 'in_stock', NULL, 'stock_qty', NULL)) r
WHERE NOT EXISTS (SELECT FROM folded_variants f WHERE f.id = v.id);
