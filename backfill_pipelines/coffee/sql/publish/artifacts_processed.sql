-- The captures of the chunk are processed: their status and codes, under which rules.
UPDATE scrape_artifacts a SET validation_status = s.status, validation_errors = s.errors,
  normalizer_version = s.normalizer_version, processed_at = now()
FROM staged_captures s
WHERE a.id = s.artifact_id
  AND (a.processed_at IS NULL OR a.normalizer_version IS DISTINCT FROM s.normalizer_version
    OR a.validation_status = 'pending'
    OR a.id IN (SELECT artifact_id FROM publishing WHERE standing = 'replaces'));
