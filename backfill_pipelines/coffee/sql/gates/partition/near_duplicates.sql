-- A variant that one artifact prices twice. Several prices of a variant within a minute are listed.
WITH repeated AS (
  SELECT p.artifact_no, v.variant_id, count(*) AS times
  FROM staged_variants v
  JOIN staged_products p USING (product_no)
  WHERE v.price IS NOT NULL
  GROUP BY p.artifact_no, v.variant_id HAVING count(*) > 1
), twice AS (
  SELECT r.artifact_no, r.variant_id, r.times, min(p.platform_product_id) AS platform_product_id,
    min(v.platform_variant_id) AS platform_variant_id
  FROM repeated r
  JOIN staged_products p USING (artifact_no)
  JOIN staged_variants v ON v.product_no = p.product_no AND v.variant_id = r.variant_id AND v.price IS NOT NULL
  GROUP BY r.artifact_no, r.variant_id, r.times
), crowded AS (
  SELECT source_id, date_trunc('minute', observed_at) AS minute FROM staged_captures
  GROUP BY 1, 2 HAVING count(*) > 1
), close AS (
  SELECT partition, count(*) AS prices FROM (
    SELECT c.partition
    FROM crowded m
    JOIN staged_captures c ON c.source_id = m.source_id AND date_trunc('minute', c.observed_at) = m.minute
    JOIN staged_products p USING (artifact_no)
    JOIN staged_variants v USING (product_no)
    WHERE v.price IS NOT NULL
    GROUP BY c.partition, v.variant_id, v.price, m.minute HAVING count(DISTINCT c.artifact_id) > 1) g
  GROUP BY partition
), priced AS (
  SELECT p.artifact_no, sum(n.prices) AS prices
  FROM staged_totals n
  JOIN staged_products p USING (product_no)
  GROUP BY p.artifact_no
), found AS (
  SELECT c.partition, count(*) AS wrong, (array_agg('product ' || t.platform_product_id || ' variant '
    || t.platform_variant_id || ' ' || t.times || ' times' ORDER BY t.platform_product_id, t.platform_variant_id))[1:20]
    AS sample
  FROM twice t JOIN staged_captures c USING (artifact_no) GROUP BY c.partition
)
SELECT c.partition, sum(n.prices), COALESCE(max(f.wrong), 0), max(f.sample),
  max(d.prices) || ' prices stand twice within a minute'
FROM staged_captures c
LEFT JOIN priced n USING (artifact_no)
LEFT JOIN found f USING (partition)
LEFT JOIN close d USING (partition)
GROUP BY c.partition;
