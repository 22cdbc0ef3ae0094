-- Prices of a variant and instant that another artifact says otherwise, published or staged: a view of the staging.
-- What a person has rejected contradicts nothing.
CREATE TEMPORARY VIEW staged_conflicts AS
WITH said AS (
  SELECT c.partition, c.day, c.artifact_id, c.roaster_id, c.observed_at, p.platform_product_id, v.platform_variant_id,
    v.variant_id, v.price, v.currency, v.compare_at_price
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  JOIN staged_variants v USING (product_no)
  WHERE v.price IS NOT NULL
), shared AS (
  SELECT source_id, observed_at FROM staged_captures GROUP BY source_id, observed_at HAVING count(*) > 1
), others AS MATERIALIZED (
  SELECT c.artifact_id, r.id, r.variant_id, r.artifact_id AS other_artifact_id
  FROM staged_captures c
  JOIN prices r ON r.roaster_id = c.roaster_id AND r.scraped_at = c.observed_at
    AND r.artifact_id IS DISTINCT FROM c.artifact_id
)
SELECT s.partition, s.day, s.artifact_id, s.roaster_id, s.platform_product_id, s.platform_variant_id, s.price,
  e.price AS other, o.other_artifact_id
FROM others o
JOIN effective_prices e ON e.id = o.id
JOIN said s ON s.variant_id = o.variant_id AND s.artifact_id = o.artifact_id
WHERE (s.price, s.currency::char(3), s.compare_at_price) IS DISTINCT FROM (e.price, e.currency, e.compare_at_price)
  AND NOT EXISTS (SELECT FROM quarantine q
    WHERE q.artifact_id = o.other_artifact_id AND q.platform_product_id = s.platform_product_id
      AND q.platform_variant_id = s.platform_variant_id AND q.reason = 'Q_PRICE_CONFLICT' AND q.state = 'rejected')
UNION
SELECT s.partition, s.day, s.artifact_id, s.roaster_id, s.platform_product_id, s.platform_variant_id, s.price, o.price,
  o.artifact_id
FROM shared h
JOIN staged_captures c ON c.source_id = h.source_id AND c.observed_at = h.observed_at
JOIN said s ON s.artifact_id = c.artifact_id
JOIN said o ON o.variant_id = s.variant_id AND o.observed_at = s.observed_at AND o.artifact_id <> s.artifact_id
WHERE (s.price, s.currency, s.compare_at_price) IS DISTINCT FROM (o.price, o.currency, o.compare_at_price);
