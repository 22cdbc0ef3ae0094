-- Moments of touched coffees at which a price moved by more than half against the variant's previous effective price in
-- the same currency, or is above a million; by instants of the observation, so an older capture judges its successor
-- anew. Only variants whose prices, stored or corrected, are so far apart at all are looked at one price at a time.
-- OFFSET 0 keeps the look-up by variant: a table that has just grown has no statistics, and would be read as a whole.
CREATE TEMPORARY TABLE spikes ON COMMIT DROP AS
WITH candidates AS MATERIALIZED (
  SELECT v.coffee_id, v.id
  FROM touched_coffees t
  JOIN variants v ON v.coffee_id = t.coffee_id
  CROSS JOIN LATERAL (
    SELECT max(GREATEST(r.price, c.price)) AS most, min(LEAST(r.price, c.price)) AS least
    FROM (SELECT x.id, x.price FROM prices x WHERE x.variant_id = v.id OFFSET 0) r
    LEFT JOIN price_corrections c ON c.price_id = r.id
  ) said
  WHERE said.most > 1000000 OR said.most > 1.5 * said.least
), moves AS (
  SELECT k.coffee_id, e.scraped_at, e.price, e.currency, lag(e.price) OVER w AS previous,
    lag(e.currency) OVER w AS previous_currency
  FROM candidates k
  CROSS JOIN LATERAL (SELECT x.id, x.scraped_at, x.price, x.currency FROM effective_prices x
    WHERE x.variant_id = k.id OFFSET 0) e
  WINDOW w AS (PARTITION BY k.id ORDER BY e.scraped_at, e.id)
)
SELECT DISTINCT coffee_id, scraped_at FROM moves
WHERE price > 1000000 OR (currency = previous_currency AND abs(price - previous) > previous / 2);
