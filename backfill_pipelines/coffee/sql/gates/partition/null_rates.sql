-- What is not known of the variants of beans: a weight or grind that the texts hold (never), a price (at most 20 %), and
-- no share more than ten points above the previous capture's.
WITH beans AS MATERIALIZED (
  SELECT c.partition, c.source_id, c.observed_at, p.product_no, p.platform_product_id, p.normalized ->> 'name' AS name
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  WHERE p.normalized ->> 'product_kind' = 'beans'
), unknown AS MATERIALIZED (
  SELECT b.partition, b.source_id, b.observed_at, b.platform_product_id, v.platform_variant_id,
    v.weight_g IS NULL AND NOT v.codes && '{W_WEIGHT_RANGE}' AND concat_ws(' ', v.title, v.options::text, b.name)
      ~* '\d\s*-?\s*(mg|gms?|gr|grams?|g|kgs?|kilos?|kilograms?|oz|ounces?|lbs?|pounds?)\y' AS lost_weight,
    v.grind IS NULL AND v.options::text ~* '"name": "[^"]*grind' AS lost_grind
  FROM beans b
  JOIN staged_totals t ON t.product_no = b.product_no AND (t.without_weight > 0 OR t.without_grind > 0)
  JOIN staged_variants v ON v.product_no = b.product_no
  WHERE v.weight_g IS NULL OR v.grind IS NULL
), losses AS (
  SELECT partition, source_id, observed_at, count(*) FILTER (WHERE lost_weight) AS weights,
    count(*) FILTER (WHERE lost_grind) AS grinds
  FROM unknown GROUP BY partition, source_id, observed_at
), shares AS (
  SELECT b.partition, b.source_id, b.observed_at, sum(n.variants) AS variants,
    COALESCE(max(l.weights), 0) AS lost_weights, COALESCE(max(l.grinds), 0) AS lost_grinds,
    sum(n.without_weight) / sum(n.variants) AS weight, sum(n.without_grind) / sum(n.variants) AS grind,
    1 - sum(n.prices) / sum(n.variants) AS price
  FROM beans b
  JOIN staged_totals n USING (product_no)
  LEFT JOIN losses l USING (partition, source_id, observed_at)
  GROUP BY b.partition, b.source_id, b.observed_at
), lost AS (
  SELECT partition, (array_agg('product ' || platform_product_id || ' variant ' || platform_variant_id
    ORDER BY platform_product_id, platform_variant_id))[1:20] AS variants
  FROM unknown WHERE lost_weight OR lost_grind GROUP BY partition
), moments AS (
  SELECT source_id, observed_at FROM shares
  UNION
  SELECT a.source_id, a.observed_at FROM scrape_artifacts a
  WHERE a.source_id IN (SELECT source_id FROM shares) AND a.processed_at IS NOT NULL
    AND (SELECT true FROM product_artifacts p WHERE p.artifact_id = a.id LIMIT 1)
), previous AS (
  SELECT *, lag(observed_at) OVER (PARTITION BY source_id ORDER BY observed_at) AS before FROM moments
), stored AS (
  SELECT m.source_id, m.before, avg((o.weight_g IS NULL)::int) AS weight, avg((o.grind IS NULL)::int) AS grind,
    avg((o.price IS NULL)::int) AS price
  FROM shares s
  JOIN previous m ON m.source_id = s.source_id AND m.observed_at = s.observed_at
  JOIN scrape_artifacts a ON a.source_id = m.source_id AND a.observed_at = m.before
  JOIN product_artifacts p ON p.artifact_id = a.id AND p.normalized ->> 'product_kind' = 'beans'
  JOIN variant_observations o ON o.product_artifact_id = p.id
  WHERE NOT EXISTS (SELECT FROM shares x WHERE x.source_id = m.source_id AND x.observed_at = m.before)
  GROUP BY m.source_id, m.before
), compared AS (
  SELECT s.*, COALESCE(x.weight, t.weight) AS weight_before, COALESCE(x.grind, t.grind) AS grind_before,
    COALESCE(x.price, t.price) AS price_before
  FROM shares s
  LEFT JOIN previous m ON m.source_id = s.source_id AND m.observed_at = s.observed_at
  LEFT JOIN shares x ON x.source_id = s.source_id AND x.observed_at = m.before
  LEFT JOIN stored t ON t.source_id = s.source_id AND t.before = m.before
), found AS (
  SELECT partition, unnest(ARRAY[
    CASE WHEN lost_weights > 0 THEN lost_weights || ' without the weight that their texts hold' END,
    CASE WHEN lost_grinds > 0 THEN lost_grinds || ' without the grind that they are sold by' END,
    CASE WHEN price > 0.2 THEN round(100 * price) || ' % without price' END,
    CASE WHEN weight > weight_before + 0.1 THEN round(100 * weight) || ' % without weight, before '
      || round(100 * weight_before) || ' %' END,
    CASE WHEN grind > grind_before + 0.1 THEN round(100 * grind) || ' % without grind, before '
      || round(100 * grind_before) || ' %' END,
    CASE WHEN price > price_before + 0.1 THEN round(100 * price) || ' % without price, before '
      || round(100 * price_before) || ' %' END] || l.variants) AS culprit
  FROM compared
  LEFT JOIN lost l USING (partition)
)
SELECT s.partition, sum(s.variants), (SELECT count(f.culprit) FROM found f WHERE f.partition = s.partition),
  (SELECT (array_agg(f.culprit) FILTER (WHERE f.culprit IS NOT NULL))[1:20] FROM found f
   WHERE f.partition = s.partition)
FROM shares s GROUP BY s.partition;
