-- Grain: a stored answer, by time, page and id; those that were superseded are left out.
-- Parameters: roasters (slugs, null for all), first, last (days, null for no bound).
SELECT a.id, a.source_id, a.roaster_id, a.url, a.page, a.observed_at, a.observed_at_source, a.capture_id, a.completeness,
  a.body_sha256, a.body_len, a.storage_uri, a.http_status, a.headers, a.run_id
FROM scrape_artifacts a JOIN roasters r ON r.id = a.roaster_id
WHERE a.superseded_by IS NULL AND a.validation_status <> 'superseded'
  AND (%(roasters)s::text[] IS NULL OR r.slug = ANY (%(roasters)s))
  AND (%(first)s::date IS NULL OR a.partition_date >= %(first)s) AND (%(last)s::date IS NULL OR a.partition_date <= %(last)s)
ORDER BY a.observed_at, a.page, a.id
