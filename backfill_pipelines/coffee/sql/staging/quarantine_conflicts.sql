-- Conflicts of partitions that are held back, for a person to decide: reject the row of the artifact that is wrong.
INSERT INTO quarantine (roaster_id, day, artifact_id, platform_product_id, platform_variant_id, reason, detail,
  backfill_run_id)
SELECT DISTINCT ON (artifact_id, platform_product_id, platform_variant_id) roaster_id, day, artifact_id,
  platform_product_id, platform_variant_id, 'Q_PRICE_CONFLICT', jsonb_build_object('code', 'R_PRICE_CONFLICT',
    'price', price::text, 'other_price', other::text, 'other_artifact', other_artifact_id), %(run)s::uuid
FROM staged_conflicts
WHERE partition = ANY(%(partitions)s)
ORDER BY artifact_id, platform_product_id, platform_variant_id
ON CONFLICT (artifact_id, platform_product_id, platform_variant_id, reason) DO NOTHING;
