-- What earlier rules had set aside of these captures, and these rules can read: the product is staged, with the variant
-- if the row names one; or the body has products.
UPDATE quarantine q SET state = 'superseded', resolved_at = now()
FROM staged_captures c
WHERE q.artifact_id = c.artifact_id AND q.state = 'open' AND q.reason NOT LIKE 'Q\_GATE\_%'
  AND NOT EXISTS (
    SELECT FROM staged_rejected r WHERE r.artifact_no = c.artifact_no AND r.platform_product_id = q.platform_product_id
      AND r.platform_variant_id = q.platform_variant_id AND r.reason = q.reason)
  AND EXISTS (
    SELECT FROM staged_products s WHERE s.artifact_no = c.artifact_no
      AND q.platform_product_id IN ('', s.platform_product_id)
      AND (q.platform_variant_id = '' OR EXISTS (
        SELECT FROM staged_variants v
        WHERE v.product_no = s.product_no AND v.platform_variant_id = q.platform_variant_id)));
