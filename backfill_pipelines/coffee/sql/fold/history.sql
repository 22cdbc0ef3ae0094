-- Every published observation of the touched coffees, numbered from the oldest; (observed_at, artifact id) is the order.
-- seen_at is later than observed_at where a 304 confirmed the body.
INSERT INTO history (coffee_id, product_artifact_id, artifact_id, content_hash, codes, observed_at, seen_at,
  age)
WITH confirmed AS (
  SELECT a.id, max(r.observed_at) AS seen_at
  FROM scrape_artifacts r
  JOIN scrape_artifacts a ON a.source_id = r.source_id AND a.body_sha256 = r.body_sha256
    AND a.observed_at < r.observed_at AND a.completeness <> 'not_modified'
  WHERE r.source_id IN (SELECT source_id FROM touched_coffees) AND r.completeness = 'not_modified'
    AND r.processed_at IS NOT NULL AND r.superseded_by IS NULL
  GROUP BY a.id
)
SELECT t.coffee_id, p.id, p.artifact_id, p.content_hash, p.codes, p.observed_at,
  GREATEST(p.observed_at, c.seen_at), row_number() OVER (PARTITION BY t.coffee_id ORDER BY p.observed_at, p.artifact_id)
FROM touched_coffees t
JOIN product_artifacts p ON p.source_id = t.source_id AND p.platform_product_id = t.platform_product_id
LEFT JOIN confirmed c ON c.id = p.artifact_id;
