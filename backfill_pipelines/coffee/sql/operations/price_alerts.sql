-- Grain: one row a roaster and capture of lately in which prices have moved by more than the roaster's limit.
-- Parameters: since (timestamptz).
WITH newest AS (
  SELECT DISTINCT ON (variant_id) variant_id, roaster_id, scraped_at, price, currency FROM effective_prices
  WHERE scraped_at > %(since)s ORDER BY variant_id, scraped_at DESC, id DESC
), moved AS (
  SELECT n.*, b.price AS before FROM newest n
  CROSS JOIN LATERAL (SELECT price, currency FROM effective_prices e
    WHERE e.variant_id = n.variant_id AND e.scraped_at < n.scraped_at ORDER BY e.scraped_at DESC, e.id DESC LIMIT 1) b
  WHERE b.currency = n.currency AND b.price <> n.price
)
SELECT o.slug, m.scraped_at, count(*) AS count,
  (array_agg(c.name || ': ' || m.before || ' to ' || m.price || ' ' || m.currency
    ORDER BY abs(m.price - m.before) / m.before DESC, v.id))[1] AS largest
FROM moved m JOIN roasters o ON o.id = m.roaster_id JOIN variants v ON v.id = m.variant_id
JOIN coffees c ON c.id = v.coffee_id
WHERE abs(m.price - m.before) / m.before > o.alert_price_delta_pct
GROUP BY o.slug, m.scraped_at ORDER BY o.slug, m.scraped_at;
