-- Captures without a product; a 304 stands for the body that it confirms.
WITH counted AS (
  SELECT c.partition, c.capture_id, sum((SELECT count(*) FROM staged_products p WHERE p.artifact_no = c.artifact_no))
    AS products, bool_or(c.completeness = 'not_modified') AS is_repeat,
    bool_or(EXISTS (SELECT FROM scrape_artifacts a WHERE a.source_id = c.source_id AND a.body_sha256 = c.body_sha256
      AND a.completeness <> 'not_modified' AND a.observed_at < c.observed_at)) AS confirms
  FROM staged_captures c GROUP BY c.partition, c.capture_id
)
SELECT partition, count(*), count(*) FILTER (WHERE products = 0 AND NOT (is_repeat AND confirms)),
  (array_agg('capture ' || capture_id ORDER BY capture_id)
    FILTER (WHERE products = 0 AND NOT (is_repeat AND confirms)))[1:20],
  CASE WHEN bool_or(is_repeat) THEN 'confirmed by 304' END
FROM counted GROUP BY partition;
