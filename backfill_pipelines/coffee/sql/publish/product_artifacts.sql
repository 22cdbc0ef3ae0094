-- One row for each (source, product, instant): new ones, and those that this chunk replaces.
INSERT INTO product_artifacts AS existing (id, artifact_id, source_id, roaster_id, product_index, platform_product_id,
  observed_at, raw_payload_hash, product_hash, content_hash, price_hash, normalized, validation_status, codes,
  transform_version, normalizer_version, backfill_run_id)
SELECT p.product_artifact_id, p.artifact_id, p.source_id, p.roaster_id, s.product_index, p.platform_product_id,
  p.observed_at, s.raw_payload_hash, s.product_hash, s.content_hash, s.price_hash, s.normalized, s.status, s.codes,
  a.transform_version, a.normalizer_version, %(run)s::uuid
FROM publishing p
JOIN staged_products s USING (product_no)
JOIN staged_captures a ON a.artifact_no = p.artifact_no
WHERE p.standing IN ('new', 'replaces')
ON CONFLICT (source_id, platform_product_id, observed_at) DO UPDATE SET
  artifact_id = excluded.artifact_id, product_index = excluded.product_index,
  raw_payload_hash = excluded.raw_payload_hash, product_hash = excluded.product_hash,
  content_hash = excluded.content_hash, price_hash = excluded.price_hash, normalized = excluded.normalized,
  validation_status = excluded.validation_status, codes = excluded.codes,
  transform_version = excluded.transform_version, normalizer_version = excluded.normalizer_version,
  backfill_run_id = excluded.backfill_run_id;
