-- Grain: one row per stored answer that has none yet; the same answer again changes nothing.
-- Parameters: rows (jsonb array of objects by column).
INSERT INTO scrape_artifacts (id, run_id, source_id, roaster_id, url, page, observed_at, observed_at_source, capture_id,
  completeness, http_status, headers, body_sha256, body_len, storage_uri)
SELECT id, run_id, source_id, roaster_id, url, page, observed_at, observed_at_source, capture_id, completeness,
  http_status, headers, body_sha256, body_len, storage_uri
FROM jsonb_to_recordset(%(rows)s) AS r (id uuid, run_id uuid, source_id uuid, roaster_id uuid, url text, page int,
  observed_at timestamptz, observed_at_source text, capture_id uuid, completeness text, http_status int, headers jsonb,
  body_sha256 text, body_len bigint, storage_uri text)
ORDER BY observed_at, page, id
ON CONFLICT (source_id, url, observed_at, body_sha256) DO NOTHING
RETURNING id
