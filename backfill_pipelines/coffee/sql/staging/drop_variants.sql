-- Variants of partitions that are held back leave the staging.
DELETE FROM staged_variants s USING staged_products p, staged_captures a
WHERE p.product_no = s.product_no AND a.artifact_no = p.artifact_no AND a.partition = ANY(%(partitions)s);
