-- The codes of each observation of the touched coffees that depend on earlier observations, where they are not what is
-- stored: prices that moved, prices that are gone, variants that came or went.
CREATE TEMPORARY TABLE judged ON COMMIT DROP AS
WITH counted AS (
  SELECT h.coffee_id, h.product_artifact_id, h.observed_at, h.age, count(o.platform_variant_id) AS variants, count(o.price) AS priced
  FROM history h
  LEFT JOIN variant_observations o ON o.product_artifact_id = h.product_artifact_id
  GROUP BY h.coffee_id, h.product_artifact_id, h.observed_at, h.age
), compared AS (
  SELECT *, lag(variants) OVER w AS variants_before,
    max(priced) OVER (PARTITION BY coffee_id ORDER BY age ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS priced_before
  FROM counted
  WINDOW w AS (PARTITION BY coffee_id ORDER BY age)
), found AS (
  SELECT c.product_artifact_id,
    CASE WHEN c.priced = 0 AND c.priced_before > 0 THEN '{R_ALL_PRICES_MISSING}'::text[] ELSE '{}' END
    || CASE WHEN s.coffee_id IS NOT NULL THEN '{R_PRICE_SPIKE}'::text[] ELSE '{}' END
    || CASE WHEN abs(c.variants - c.variants_before) > 3 AND abs(c.variants - c.variants_before) * 5 > c.variants_before
      THEN '{R_VARIANT_COUNT_CHANGE}'::text[] ELSE '{}' END AS codes
  FROM compared c
  LEFT JOIN spikes s ON s.coffee_id = c.coffee_id AND s.scraped_at = c.observed_at
)
SELECT p.id, p.artifact_id, f.codes AS codes,
  ARRAY(SELECT x FROM unnest(p.codes) x
    WHERE x NOT IN ('R_ALL_PRICES_MISSING', 'R_PRICE_SPIKE', 'R_VARIANT_COUNT_CHANGE')) AS own_codes
FROM found f
JOIN product_artifacts p ON p.id = f.product_artifact_id
WHERE f.codes <> '{}' OR p.codes && '{R_ALL_PRICES_MISSING,R_PRICE_SPIKE,R_VARIANT_COUNT_CHANGE}';
