-- Rows whose copied roaster is not the one of the row that they belong to.
WITH wrong AS (
  SELECT 'price ' || p.id AS culprit FROM prices p JOIN variants v ON v.id = p.variant_id
  WHERE v.roaster_id <> p.roaster_id
  UNION ALL
  SELECT 'variant ' || v.id FROM variants v JOIN coffees c ON c.id = v.coffee_id WHERE c.roaster_id <> v.roaster_id
  UNION ALL
  SELECT 'coffee ' || c.id FROM coffees c JOIN product_sources s ON s.id = c.source_id WHERE s.roaster_id <> c.roaster_id
  UNION ALL
  SELECT 'observation ' || p.id FROM product_artifacts p JOIN scrape_artifacts a ON a.id = p.artifact_id
  WHERE (a.roaster_id, a.source_id) <> (p.roaster_id, p.source_id)
)
SELECT (SELECT count(*) FROM prices) + (SELECT count(*) FROM variants) + (SELECT count(*) FROM coffees), count(*),
  (array_agg(culprit ORDER BY culprit))[1:20]
FROM wrong;
