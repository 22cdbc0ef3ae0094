-- Variants of products that have left the staging.
DELETE FROM staged_variants v WHERE NOT EXISTS (SELECT FROM staged_products s WHERE s.product_no = v.product_no);
