-- Grain: a stored answer of one source at one instant.
-- Parameters: source_id, observed_at.
SELECT id, source_id, roaster_id, url, page, observed_at, observed_at_source, capture_id, completeness, body_sha256,
  body_len, storage_uri, http_status, headers, run_id
FROM scrape_artifacts
WHERE source_id = %(source_id)s AND observed_at = %(observed_at)s
ORDER BY page, id
