-- Captures without a product; a 304 stands for the body that it confirms.
WITH staged AS (
  SELECT artifact_no, count(*) AS products FROM staged_products GROUP BY artifact_no
), confirmed AS (
  SELECT DISTINCT c.artifact_no
  FROM staged_captures c
  JOIN scrape_artifacts a ON a.source_id = c.source_id AND a.body_sha256 = c.body_sha256
    AND a.completeness <> 'not_modified' AND a.observed_at < c.observed_at
  WHERE c.completeness = 'not_modified'
), counted AS (
  SELECT c.partition, c.capture_id, COALESCE(sum(s.products), 0) AS products,
    bool_and(k.artifact_no IS NOT NULL) AS confirms
  FROM staged_captures c
  LEFT JOIN staged s USING (artifact_no)
  LEFT JOIN confirmed k USING (artifact_no)
  GROUP BY c.partition, c.capture_id
)
SELECT partition, count(*), count(*) FILTER (WHERE products = 0 AND NOT confirms),
  (array_agg('capture ' || capture_id ORDER BY capture_id) FILTER (WHERE products = 0 AND NOT confirms))[1:20],
  CASE WHEN bool_or(confirms) THEN 'confirmed by 304' END
FROM counted GROUP BY partition;
