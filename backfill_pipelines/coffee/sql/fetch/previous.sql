-- Grain: a page of the source's newest capture with bodies, if that is complete; with the validators that its URL was
-- last answered with. Parameter: source_id.
WITH newest AS (
  SELECT capture_id FROM scrape_artifacts
  WHERE source_id = %(source_id)s AND completeness <> 'not_modified' AND superseded_by IS NULL
    AND validation_status <> 'superseded'
  ORDER BY observed_at DESC LIMIT 1
)
SELECT a.id, a.source_id, a.roaster_id, a.url, a.page, a.observed_at, a.observed_at_source, a.capture_id, a.completeness,
  a.body_sha256, a.body_len, a.storage_uri, a.http_status, a.headers, a.run_id, v.etag, v.last_modified
FROM scrape_artifacts a JOIN newest n USING (capture_id)
LEFT JOIN http_validators v ON v.url = a.url AND v.etag IS NOT DISTINCT FROM a.headers ->> 'etag'
  AND v.last_modified IS NOT DISTINCT FROM a.headers ->> 'last-modified'
WHERE NOT EXISTS (SELECT FROM scrape_artifacts x JOIN newest y USING (capture_id)
  WHERE x.completeness <> 'complete' OR x.validation_status = 'invalid' OR x.superseded_by IS NOT NULL)
ORDER BY a.page
