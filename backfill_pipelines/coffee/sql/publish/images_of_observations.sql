-- The observations that the run adds (before: NULL) or replaces (before: the row with its variants).
INSERT INTO row_before_images (backfill_run_id, table_name, row_id, before, after_digest)
SELECT %(run)s::uuid, 'product_artifacts', p.product_artifact_id::text,
  CASE WHEN old.id IS NOT NULL THEN jsonb_build_object('row', to_jsonb(old), 'variants', (
    SELECT jsonb_agg(to_jsonb(o)) FROM variant_observations o WHERE o.product_artifact_id = old.id)) END,
  s.content_hash || s.price_hash
FROM publishing p
JOIN staged_products s USING (product_no)
LEFT JOIN product_artifacts old ON old.id = p.product_artifact_id
WHERE p.standing IN ('new', 'replaces')
ON CONFLICT (backfill_run_id, table_name, row_id) DO UPDATE SET after_digest = excluded.after_digest;
