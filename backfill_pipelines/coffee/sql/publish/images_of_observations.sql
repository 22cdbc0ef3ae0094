-- The observations that the run replaces, with their variants; those that it adds are found by their run id.
INSERT INTO row_before_images (backfill_run_id, table_name, row_id, before, after_digest)
SELECT %(run)s::uuid, 'product_artifacts', old.id::text,
  jsonb_build_object('row', to_jsonb(old), 'variants', (
    SELECT jsonb_agg(to_jsonb(o)) FROM variant_observations o WHERE o.product_artifact_id = old.id)),
  s.content_hash || s.price_hash
FROM publishing p
JOIN staged_products s USING (product_no)
JOIN product_artifacts old ON old.id = p.product_artifact_id
WHERE p.standing = 'replaces' AND old.backfill_run_id IS DISTINCT FROM %(run)s::uuid
ON CONFLICT (backfill_run_id, table_name, row_id) DO UPDATE SET after_digest = excluded.after_digest;
