-- What is published in part stays under the rules that the rest of it is stored under: its day stays stale.
UPDATE staged_captures c SET transform_version = stored.transform_version,
  normalizer_version = stored.normalizer_version
FROM (
  SELECT DISTINCT ON (artifact_id) artifact_id, transform_version, normalizer_version
  FROM product_artifacts
  ORDER BY artifact_id, string_to_array(transform_version, '.')::int[], string_to_array(normalizer_version, '.')::int[]
) stored
WHERE stored.artifact_id = c.artifact_id;
