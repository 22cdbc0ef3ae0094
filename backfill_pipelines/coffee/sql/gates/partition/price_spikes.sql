-- Variants whose price moved by more than half against their previous effective price in the same currency, if they are
-- more than 10 % of the priced ones; fewer are listed.
WITH said AS (
  SELECT c.partition, v.variant_id, p.platform_product_id, v.platform_variant_id, c.observed_at, v.price, v.currency
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  JOIN staged_variants v USING (product_no)
  WHERE v.price IS NOT NULL
), span AS (
  SELECT variant_id, min(observed_at) AS first, max(observed_at) AS last FROM said GROUP BY variant_id
), stored AS (
  SELECT s.variant_id, e.scraped_at, e.price, e.currency
  FROM span s JOIN effective_prices e ON e.variant_id = s.variant_id AND e.scraped_at BETWEEN s.first AND s.last
  UNION ALL
  SELECT s.variant_id, e.scraped_at, e.price, e.currency
  FROM span s CROSS JOIN LATERAL (
    SELECT x.scraped_at, x.price, x.currency FROM effective_prices x
    WHERE x.variant_id = s.variant_id AND x.scraped_at < s.first ORDER BY x.scraped_at DESC LIMIT 1) e
), together AS (
  SELECT partition, variant_id, platform_product_id, platform_variant_id, observed_at, price, currency::char(3) FROM said
  UNION ALL
  SELECT NULL, variant_id, NULL, NULL, scraped_at, price, currency FROM stored t
  WHERE NOT EXISTS (SELECT FROM said WHERE said.variant_id = t.variant_id AND said.observed_at = t.scraped_at)
), moves AS (
  SELECT *, lag(price) OVER w AS previous, lag(currency) OVER w AS previous_currency FROM together
  WINDOW w AS (PARTITION BY variant_id ORDER BY observed_at)
), judged AS (
  SELECT *, COALESCE(currency = previous_currency AND abs(price - previous) > previous / 2, false) AS is_spike
  FROM moves WHERE partition IS NOT NULL
), counted AS (
  SELECT partition, count(*) AS priced, count(*) FILTER (WHERE is_spike) AS spikes,
    (array_agg('product ' || platform_product_id || ' variant ' || platform_variant_id || ': ' || previous || ' to '
      || price ORDER BY platform_product_id, platform_variant_id) FILTER (WHERE is_spike))[1:20] AS sample
  FROM judged GROUP BY partition
)
SELECT partition, priced, CASE WHEN spikes > 0.1 * priced THEN spikes ELSE 0 END, sample,
  CASE WHEN spikes > 0 THEN spikes || ' moved by more than half: ' || array_to_string(sample, '; ') END
FROM counted;
