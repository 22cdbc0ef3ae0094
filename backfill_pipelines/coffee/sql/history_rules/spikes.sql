-- Prices of touched coffees that moved by more than half against the variant's previous effective price in the same
-- currency, or are above a million; by instants of the observation, so an older capture judges its successor anew.
CREATE TEMPORARY TABLE spikes ON COMMIT DROP AS
WITH moves AS (
  SELECT v.coffee_id, v.platform_variant_id, e.scraped_at, e.price, e.currency,
    lag(e.price) OVER w AS previous, lag(e.currency) OVER w AS previous_currency
  FROM touched_coffees t
  JOIN variants v ON v.coffee_id = t.coffee_id
  JOIN effective_prices e ON e.variant_id = v.id
  WINDOW w AS (PARTITION BY e.variant_id ORDER BY e.scraped_at, e.id)
)
SELECT coffee_id, platform_variant_id, scraped_at, previous, price FROM moves
WHERE price > 1000000 OR (currency = previous_currency AND abs(price - previous) > previous / 2);
