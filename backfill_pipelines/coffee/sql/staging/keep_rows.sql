-- The staged rows of partitions that are held back, as documents, one a product and one a variant.
INSERT INTO staged_rows (backfill_run_id, roaster_id, day, artifact_id, platform_product_id, platform_variant_id, row)
SELECT %(run)s::uuid, a.roaster_id, a.day, a.artifact_id, p.platform_product_id, '', to_jsonb(p) - 'product_no' - 'artifact_no'
FROM staged_captures a JOIN staged_products p USING (artifact_no)
WHERE a.partition = ANY(%(partitions)s)
UNION ALL
SELECT %(run)s::uuid, a.roaster_id, a.day, a.artifact_id, p.platform_product_id, v.platform_variant_id,
  to_jsonb(v) - 'product_no'
FROM staged_captures a JOIN staged_products p USING (artifact_no) JOIN staged_variants v USING (product_no)
WHERE a.partition = ANY(%(partitions)s);
