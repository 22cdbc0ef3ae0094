-- A 304 capture touches every coffee of the body that it confirms.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT DISTINCT c.id, c.source_id, c.roaster_id, c.platform_product_id
FROM staged_captures s
JOIN scrape_artifacts a ON a.source_id = s.source_id AND a.body_sha256 = s.body_sha256
JOIN product_artifacts p ON p.artifact_id = a.id
JOIN coffees c ON c.source_id = p.source_id AND c.platform_product_id = p.platform_product_id
WHERE s.completeness = 'not_modified'
ON CONFLICT DO NOTHING;
