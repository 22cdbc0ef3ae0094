-- The state of every touched coffee: name, url and raw product are the newest, other fields the newest known value, and
-- what a person has set wins. Observations of equal content say the same, so only the newest of them is read.
-- The slug is the handle here; clashes are settled afterwards.
INSERT INTO folded_coffees
WITH contents AS (
  SELECT DISTINCT ON (coffee_id, content_hash) coffee_id, product_artifact_id, age
  FROM history ORDER BY coffee_id, content_hash, age DESC
), known AS (
  SELECT c.coffee_id, jsonb_object_agg(f.key, f.value ORDER BY c.age) AS fields
  FROM contents c
  JOIN product_artifacts p ON p.id = c.product_artifact_id
  CROSS JOIN LATERAL jsonb_each(p.normalized) f
  WHERE f.key <> 'source_raw' AND f.value <> 'null'
  GROUP BY c.coffee_id
), span AS (
  SELECT coffee_id, max(age) AS newest, min(observed_at) AS first_seen_at, max(seen_at) AS last_seen_at
  FROM history GROUP BY coffee_id
), chosen AS (
  SELECT coffee_id, jsonb_object_agg(field, value) AS fields FROM field_overrides
  WHERE coffee_id IN (SELECT coffee_id FROM touched_coffees) GROUP BY coffee_id
), offers AS (
  SELECT v.coffee_id, bool_and(v.status = 'archived') AS is_gone
  FROM (SELECT coffee_id, status FROM folded_variants) v GROUP BY v.coffee_id
)
SELECT r.*
FROM span s
JOIN touched_coffees t ON t.coffee_id = s.coffee_id
JOIN coffees old ON old.id = s.coffee_id
JOIN history h ON h.coffee_id = s.coffee_id AND h.age = s.newest
JOIN product_artifacts p ON p.id = h.product_artifact_id
LEFT JOIN known k ON k.coffee_id = s.coffee_id
LEFT JOIN chosen o ON o.coffee_id = s.coffee_id
LEFT JOIN offers f ON f.coffee_id = s.coffee_id
CROSS JOIN LATERAL jsonb_populate_record(NULL::coffees,
  jsonb_build_object('decaf', false, 'source_raw', '{}'::jsonb, 'status', CASE
    WHEN f.is_gone THEN 'discontinued'
    WHEN NOT EXISTS (SELECT FROM variant_observations x WHERE x.product_artifact_id = h.product_artifact_id
      AND x.price IS NOT NULL) THEN 'hidden'
    ELSE 'active' END)
  || COALESCE(k.fields, '{}')
  || jsonb_build_object('name', p.normalized -> 'name', 'slug', p.normalized -> 'slug',
    'direct_buy_url', p.normalized -> 'direct_buy_url', 'source_raw', COALESCE(p.normalized -> 'source_raw', '{}'))
  || COALESCE(o.fields, '{}')
  || jsonb_build_object('id', s.coffee_id, 'source_id', t.source_id, 'roaster_id', t.roaster_id,
    'platform_product_id', t.platform_product_id, 'first_seen_at', s.first_seen_at, 'last_seen_at', s.last_seen_at,
    'observed_at', h.observed_at, 'created_at', old.created_at, 'updated_at', old.updated_at)) r;
