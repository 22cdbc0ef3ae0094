-- The row as the observation of its artifact. The versions are the lowest there are, so that any derivation may follow.
-- It belongs to no run: a rollback leaves it, or the row would be lost.
INSERT INTO product_artifacts (id, artifact_id, source_id, roaster_id, product_index, platform_product_id, observed_at,
  raw_payload_hash, product_hash, content_hash, price_hash, normalized, validation_status, transform_version,
  normalizer_version)
SELECT a.id, a.id, a.source_id, a.roaster_id, 0, c.platform_product_id, a.observed_at, a.body_sha256, a.body_sha256,
  a.body_sha256, a.body_sha256,
  to_jsonb(c) - '{id,source_id,roaster_id,platform_product_id,status,first_seen_at,last_seen_at,observed_at,backfill_run_id,created_at,updated_at}'::text[],
  'valid', '0.0.0', '0.0.0'
FROM coffees c
JOIN scrape_artifacts a ON a.id = c.id
WHERE c.id = ANY(%(coffees)s)
ON CONFLICT DO NOTHING;
