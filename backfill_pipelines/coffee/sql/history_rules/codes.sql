-- The codes of each observation of the touched coffees that depend on earlier observations, where they are not what is
-- stored: prices that moved, prices that are gone, variants that came or went.
CREATE TEMPORARY TABLE judged ON COMMIT DROP AS
WITH counted AS (
  SELECT h.coffee_id, h.product_artifact_id, h.artifact_id, h.observed_at, h.age, h.codes, o.variants, o.priced
  FROM history h
  CROSS JOIN LATERAL (
    SELECT count(*) AS variants, count(x.price) AS priced FROM variant_observations x
    WHERE x.product_artifact_id = h.product_artifact_id
  ) o
), compared AS (
  SELECT *, lag(variants) OVER w AS variants_before,
    max(priced) OVER (PARTITION BY coffee_id ORDER BY age ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS priced_before
  FROM counted
  WINDOW w AS (PARTITION BY coffee_id ORDER BY age)
), found AS (
  SELECT c.product_artifact_id, c.artifact_id, c.codes AS stored,
    CASE WHEN c.priced = 0 AND c.priced_before > 0 THEN '{R_ALL_PRICES_MISSING}'::text[] ELSE '{}' END
    || CASE WHEN s.coffee_id IS NOT NULL THEN '{R_PRICE_SPIKE}'::text[] ELSE '{}' END
    || CASE WHEN abs(c.variants - c.variants_before) > 3 AND abs(c.variants - c.variants_before) * 5 > c.variants_before
      THEN '{R_VARIANT_COUNT_CHANGE}'::text[] ELSE '{}' END AS codes
  FROM compared c
  LEFT JOIN spikes s ON s.coffee_id = c.coffee_id AND s.scraped_at = c.observed_at
)
SELECT f.product_artifact_id AS id, f.artifact_id, f.codes,
  ARRAY(SELECT x FROM unnest(f.stored) x
    WHERE x NOT IN ('R_ALL_PRICES_MISSING', 'R_PRICE_SPIKE', 'R_VARIANT_COUNT_CHANGE')) AS own_codes
FROM found f
WHERE f.codes <> '{}' OR f.stored && '{R_ALL_PRICES_MISSING,R_PRICE_SPIKE,R_VARIANT_COUNT_CHANGE}';
