-- What each staged product is to the stored observations of its (source, product, instant).
-- new: none is stored. same: this artifact said so before, under the same rules. replaces: this artifact under newer
-- rules, or a later one in fold order that says something else. yields: another artifact is stored and stays.
-- older_rules: stored under newer rules than these; the caller refuses.
-- Of several staged artifacts the last in fold order counts, as if they had come one by one; one that only repeats what
-- another has stored never does.
CREATE TEMPORARY TABLE publishing ON COMMIT DROP AS
SELECT DISTINCT ON (a.source_id, s.platform_product_id, a.observed_at)
  s.product_no, a.artifact_no, a.artifact_id, a.source_id, a.roaster_id, a.observed_at, a.url,
  s.platform_product_id, s.coffee_id, COALESCE(p.id, s.product_artifact_id) AS product_artifact_id,
  CASE
    WHEN p.id IS NULL THEN 'new'
    WHEN p.artifact_id <> a.artifact_id THEN
      CASE WHEN p.product_hash <> s.product_hash AND a.artifact_id > p.artifact_id THEN 'replaces' ELSE 'yields' END
    WHEN (p.transform_version, p.normalizer_version) = (a.transform_version, a.normalizer_version)
      AND (p.raw_payload_hash, p.product_hash, p.content_hash, p.price_hash)
      = (s.raw_payload_hash, s.product_hash, s.content_hash, s.price_hash) THEN 'same'
    WHEN string_to_array(p.transform_version, '.')::int[] > string_to_array(a.transform_version, '.')::int[]
      OR string_to_array(p.normalizer_version, '.')::int[] > string_to_array(a.normalizer_version, '.')::int[]
      THEN 'older_rules'
    ELSE 'replaces'
  END AS standing
FROM staged_products s
JOIN staged_captures a USING (artifact_no)
LEFT JOIN product_artifacts p ON p.source_id = a.source_id AND p.platform_product_id = s.platform_product_id
  AND p.observed_at = a.observed_at
ORDER BY a.source_id, s.platform_product_id, a.observed_at,
  p.artifact_id <> a.artifact_id AND p.product_hash = s.product_hash, a.artifact_id DESC;
