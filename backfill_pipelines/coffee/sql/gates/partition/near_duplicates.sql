-- A variant that one artifact prices twice. Several prices of a variant within a minute are listed.
WITH priced AS (
  SELECT c.partition, c.artifact_id, v.variant_id, p.platform_product_id, v.platform_variant_id, v.price,
    date_trunc('minute', c.observed_at) AS minute
  FROM staged_captures c
  JOIN staged_products p USING (artifact_no)
  JOIN staged_variants v USING (product_no)
  WHERE v.price IS NOT NULL
), twice AS (
  SELECT partition, 'product ' || min(platform_product_id) || ' variant ' || min(platform_variant_id) || ' '
    || count(*) || ' times' AS culprit
  FROM priced GROUP BY partition, artifact_id, variant_id HAVING count(*) > 1
), close AS (
  SELECT partition, count(*) AS groups FROM (
    SELECT partition FROM priced GROUP BY partition, variant_id, price, minute HAVING count(DISTINCT artifact_id) > 1) g
  GROUP BY partition
)
SELECT n.partition, n.priced, (SELECT count(*) FROM twice t WHERE t.partition = n.partition),
  (SELECT (array_agg(t.culprit ORDER BY t.culprit))[1:20] FROM twice t WHERE t.partition = n.partition),
  (SELECT groups || ' prices stand twice within a minute' FROM close WHERE close.partition = n.partition)
FROM (SELECT partition, count(*) AS priced FROM priced GROUP BY partition) n;
