-- What a person has rejected because another artifact says another price is set aside, and no conflict any more.
WITH rejected AS (
  DELETE FROM staged_variants v
  USING staged_products p, staged_captures c, quarantine q
  WHERE p.product_no = v.product_no AND c.artifact_no = p.artifact_no AND q.artifact_id = c.artifact_id
    AND q.platform_product_id = p.platform_product_id AND q.platform_variant_id = v.platform_variant_id
    AND q.reason = 'Q_PRICE_CONFLICT' AND q.state = 'rejected'
  RETURNING c.artifact_no, p.platform_product_id, v.platform_variant_id, q.detail
)
INSERT INTO staged_rejected (artifact_no, platform_product_id, platform_variant_id, reason, detail)
SELECT artifact_no, platform_product_id, platform_variant_id, 'Q_PRICE_CONFLICT', detail FROM rejected;
