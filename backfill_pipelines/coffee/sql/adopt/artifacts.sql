-- An artifact for each row that no artifact says: its body is the row itself, kept in the headers, hashed like any body.
-- It is superseded from the start: it has an observation, and is no capture that could be replayed or count as coverage.
INSERT INTO scrape_artifacts (id, source_id, roaster_id, url, observed_at, observed_at_source, capture_id, completeness,
  headers, body_sha256, body_len, storage_uri, validation_status, processed_at)
SELECT c.id, c.source_id, c.roaster_id, 'adopted:' || c.platform_product_id, c.updated_at, 'recorded', c.id, 'partial',
  jsonb_build_object('adopted', b.body), encode(sha256(convert_to(b.body, 'UTF8')), 'hex'),
  octet_length(convert_to(b.body, 'UTF8')), 'adopted:' || c.id, 'superseded', now()
FROM coffees c
CROSS JOIN LATERAL (SELECT jsonb_build_object('coffee', to_jsonb(c), 'variants', (
  SELECT jsonb_agg(to_jsonb(v) ORDER BY v.platform_variant_id) FROM variants v WHERE v.coffee_id = c.id))::text AS body) b
WHERE c.id = ANY(%(coffees)s)
ON CONFLICT DO NOTHING;
