-- Products with something set aside that nobody has judged, if they are more than 3 % of the partition's.
WITH aside AS (
  SELECT c.partition, COALESCE(r.platform_product_id, '') || COALESCE('#' || (r.detail ->> 'product_index'), '') AS product,
    min(r.reason) AS reason
  FROM staged_captures c
  JOIN staged_rejected r USING (artifact_no)
  LEFT JOIN quarantine q ON q.artifact_id = c.artifact_id AND q.platform_product_id = r.platform_product_id
    AND q.platform_variant_id = r.platform_variant_id AND q.reason = r.reason
  WHERE COALESCE(q.state, 'open') = 'open'
  GROUP BY c.partition, c.artifact_no, 2
), counted AS (
  SELECT c.partition, sum(c.captured_products) AS captured,
    (SELECT count(*) FROM aside a WHERE a.partition = c.partition) AS aside
  FROM staged_captures c GROUP BY c.partition
)
SELECT partition, captured, CASE WHEN aside > 0.03 * captured THEN aside ELSE 0 END,
  (SELECT (array_agg('product ' || a.product || ': ' || a.reason ORDER BY a.product))[1:20] FROM aside a
   WHERE a.partition = n.partition), CASE WHEN aside > 0 THEN aside || ' of ' || captured || ' set aside' END
FROM counted n;
