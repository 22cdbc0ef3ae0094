-- Observations that the run replaced say again what they said before.
UPDATE product_artifacts t SET artifact_id = r.artifact_id, product_index = r.product_index, raw_payload_hash = r.raw_payload_hash,
  product_hash = r.product_hash, content_hash = r.content_hash, price_hash = r.price_hash, normalized =
  r.normalized, validation_status = r.validation_status, codes = r.codes, transform_version = r.transform_version,
  normalizer_version = r.normalizer_version, backfill_run_id = r.backfill_run_id
FROM withdrawn w
CROSS JOIN LATERAL jsonb_populate_record(NULL::product_artifacts, w.before -> 'row') r
WHERE w.before IS NOT NULL AND t.id = w.id;
