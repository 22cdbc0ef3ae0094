-- Grain: a URL with its query: the validators of its last whole answer. Parameters: rows (jsonb array of objects with
-- url, etag, last_modified), checked_at.
INSERT INTO http_validators (url, etag, last_modified, checked_at)
SELECT url, etag, last_modified, %(checked_at)s
FROM jsonb_to_recordset(%(rows)s) AS r (url text, etag text, last_modified text)
ON CONFLICT (url) DO UPDATE SET etag = EXCLUDED.etag, last_modified = EXCLUDED.last_modified,
  checked_at = EXCLUDED.checked_at
