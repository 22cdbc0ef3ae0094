-- Grain: a stored body of some days of some roasters, oldest first. Parameters: roasters (uuid[]), days (date[]), paired.
SELECT a.id, a.source_id, a.roaster_id, a.url, a.page, a.observed_at, a.observed_at_source, a.capture_id, a.completeness,
  a.body_sha256, a.body_len, a.storage_uri, a.http_status, a.headers, a.run_id
FROM unnest(%(roasters)s::uuid[], %(days)s::date[]) AS p (roaster_id, day)
JOIN scrape_artifacts a ON a.roaster_id = p.roaster_id AND a.partition_date = p.day
WHERE a.superseded_by IS NULL AND a.validation_status <> 'superseded'
ORDER BY a.observed_at, a.capture_id, a.page, a.id;
