-- The state of every variant of the touched coffees: newest value of what may be unset, newest known value of what is
-- derived and of in_stock, newest effective price, status by later complete captures.
-- OFFSET 0 keeps the look-up by observation: a table that has just grown has no statistics, and would be read as a whole.
INSERT INTO folded_variants (id, coffee_id, roaster_id, platform_variant_id, sku, title, weight_g, pack_count, grind,
  currency, price_current, compare_at_price, in_stock, stock_qty, subscription_available, status, source_raw,
  first_seen_at, last_seen_at, observed_at, price_last_checked_at, created_at, updated_at)
WITH ages AS MATERIALIZED (
  SELECT h.coffee_id, o.platform_variant_id, max(h.age) AS newest,
    max(h.age) FILTER (WHERE o.weight_g IS NOT NULL) AS weight, max(h.age) FILTER (WHERE o.grind IS NOT NULL) AS grind,
    max(h.age) FILTER (WHERE o.in_stock IS NOT NULL) AS stock,
    min(h.observed_at) AS first_seen_at, max(h.seen_at) AS last_seen_at
  FROM history h
  CROSS JOIN LATERAL (SELECT x.platform_variant_id, x.weight_g, x.grind, x.in_stock FROM variant_observations x
    WHERE x.product_artifact_id = h.product_artifact_id OFFSET 0) o
  GROUP BY h.coffee_id, o.platform_variant_id
), complete AS MATERIALIZED (
  SELECT source_id, (array_agg(observed_at ORDER BY observed_at DESC))[1] AS last,
    (array_agg(observed_at ORDER BY observed_at DESC))[3] AS last_but_two
  FROM folded_captures WHERE is_complete GROUP BY source_id
)
SELECT v.id, v.coffee_id, v.roaster_id, v.platform_variant_id, n.sku, n.title, w.weight_g, n.pack_count, g.grind,
  COALESCE(e.currency, n.currency), e.price, n.compare_at_price, s.in_stock, n.stock_qty, n.subscription_available,
  CASE WHEN a.last_seen_at < c.last_but_two THEN 'archived' WHEN a.last_seen_at < c.last THEN 'missing'
    ELSE 'active' END,
  jsonb_strip_nulls(jsonb_build_object('options', n.options, 'grind_raw', g.grind_raw, 'codes', to_jsonb(n.codes))),
  a.first_seen_at, a.last_seen_at, hn.observed_at, a.last_seen_at, v.created_at, v.updated_at
FROM ages a
JOIN touched_coffees t ON t.coffee_id = a.coffee_id
JOIN variants v ON v.coffee_id = a.coffee_id AND v.platform_variant_id = a.platform_variant_id
JOIN history hn ON hn.coffee_id = a.coffee_id AND hn.age = a.newest
JOIN variant_observations n
  ON n.product_artifact_id = hn.product_artifact_id AND n.platform_variant_id = a.platform_variant_id
LEFT JOIN history hw ON hw.coffee_id = a.coffee_id AND hw.age = a.weight
LEFT JOIN variant_observations w
  ON w.product_artifact_id = hw.product_artifact_id AND w.platform_variant_id = a.platform_variant_id
LEFT JOIN history hg ON hg.coffee_id = a.coffee_id AND hg.age = a.grind
LEFT JOIN variant_observations g
  ON g.product_artifact_id = hg.product_artifact_id AND g.platform_variant_id = a.platform_variant_id
LEFT JOIN history hs ON hs.coffee_id = a.coffee_id AND hs.age = a.stock
LEFT JOIN variant_observations s
  ON s.product_artifact_id = hs.product_artifact_id AND s.platform_variant_id = a.platform_variant_id
LEFT JOIN complete c ON c.source_id = t.source_id
LEFT JOIN LATERAL (
  SELECT p.price, p.currency FROM effective_prices p WHERE p.variant_id = v.id
  ORDER BY p.scraped_at DESC, p.id DESC LIMIT 1
) e ON true;
