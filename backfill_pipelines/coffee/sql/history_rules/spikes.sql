-- Prices of touched coffees that moved by more than half against the variant's previous effective price in the same
-- currency, or are above a million; by instants of the observation, so an older capture judges its successor anew.
-- The prices are effective_prices, joined as a whole instead of correction by correction.
CREATE TEMPORARY TABLE spikes ON COMMIT DROP AS
WITH moves AS (
  SELECT v.coffee_id, r.scraped_at, COALESCE(c.price, r.price) AS price, COALESCE(c.currency, r.currency) AS currency,
    lag(COALESCE(c.price, r.price)) OVER w AS previous, lag(COALESCE(c.currency, r.currency)) OVER w AS previous_currency
  FROM touched_coffees t
  JOIN variants v ON v.coffee_id = t.coffee_id
  JOIN prices r ON r.variant_id = v.id
  LEFT JOIN (
    SELECT x.price_id, x.voided, x.price, x.currency FROM price_corrections x
    WHERE NOT EXISTS (SELECT FROM price_corrections y WHERE y.price_id = x.price_id AND y.id > x.id)
  ) c ON c.price_id = r.id
  WHERE NOT COALESCE(c.voided, false)
  WINDOW w AS (PARTITION BY r.variant_id ORDER BY r.scraped_at, r.id)
)
SELECT DISTINCT coffee_id, scraped_at FROM moves
WHERE price > 1000000 OR (currency = previous_currency AND abs(price - previous) > previous / 2);
