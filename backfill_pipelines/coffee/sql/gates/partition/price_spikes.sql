-- Variants whose price moved by more than half against their previous effective price in the same currency, if they are
-- more than 10 % of the priced ones; fewer are listed. Only variants whose prices are so far apart at all are compared
-- one price with the next. OFFSET 0 keeps look-ups by index: tables that have just grown have no statistics.
WITH said AS MATERIALIZED (
  SELECT v.variant_id, c.observed_at, v.price, v.currency, v.product_no
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  JOIN staged_variants v USING (product_no)
  WHERE v.price IS NOT NULL
), span AS MATERIALIZED (
  SELECT variant_id, min(observed_at) AS first, max(observed_at) AS last FROM said GROUP BY variant_id
), between_them AS MATERIALIZED (
  SELECT r.id, s.variant_id, r.scraped_at
  FROM span s
  CROSS JOIN LATERAL (SELECT x.id, x.scraped_at FROM prices x
    WHERE x.variant_id = s.variant_id AND x.scraped_at BETWEEN s.first AND s.last OFFSET 0) r
  WHERE NOT EXISTS (SELECT FROM said x WHERE x.variant_id = s.variant_id AND x.observed_at = r.scraped_at)
), stored AS (
  SELECT b.variant_id, b.scraped_at, e.price, e.currency
  FROM between_them b CROSS JOIN LATERAL (SELECT x.price, x.currency FROM effective_prices x WHERE x.id = b.id OFFSET 0) e
  UNION ALL
  SELECT s.variant_id, e.scraped_at, e.price, e.currency
  FROM span s CROSS JOIN LATERAL (
    SELECT x.scraped_at, x.price, x.currency FROM effective_prices x
    WHERE x.variant_id = s.variant_id AND x.scraped_at < s.first ORDER BY x.scraped_at DESC LIMIT 1) e
), together AS MATERIALIZED (
  SELECT variant_id, observed_at, price, currency, product_no FROM said
  UNION ALL
  SELECT variant_id, scraped_at, price, currency::text, NULL FROM stored
), candidates AS (
  SELECT variant_id FROM together GROUP BY variant_id HAVING max(price) > 1.5 * min(price)
), moves AS (
  SELECT *, lag(price) OVER w AS previous, lag(currency) OVER w AS previous_currency
  FROM together WHERE variant_id IN (SELECT variant_id FROM candidates)
  WINDOW w AS (PARTITION BY variant_id ORDER BY observed_at)
), spikes AS MATERIALIZED (
  SELECT product_no, variant_id, previous, price FROM moves
  WHERE product_no IS NOT NULL AND currency = previous_currency AND abs(price - previous) > previous / 2
), found AS (
  SELECT c.partition, count(*) AS spikes, (array_agg('product ' || p.platform_product_id || ' variant '
    || v.platform_variant_id || ': ' || s.previous || ' to ' || s.price
    ORDER BY p.platform_product_id, v.platform_variant_id))[1:20] AS sample
  FROM spikes s
  JOIN staged_products p USING (product_no)
  JOIN staged_captures c USING (artifact_no)
  JOIN staged_variants v USING (product_no, variant_id)
  GROUP BY c.partition
), counted AS (
  SELECT c.partition, sum(n.priced) AS priced
  FROM (SELECT product_no, count(*) AS priced FROM said GROUP BY product_no) n
  JOIN staged_products p USING (product_no)
  JOIN staged_captures c USING (artifact_no)
  GROUP BY c.partition
)
SELECT c.partition, c.priced, CASE WHEN f.spikes > 0.1 * c.priced THEN f.spikes ELSE 0 END, f.sample,
  f.spikes || ' moved by more than half: ' || array_to_string(f.sample, '; ')
FROM counted c
LEFT JOIN found f USING (partition);
