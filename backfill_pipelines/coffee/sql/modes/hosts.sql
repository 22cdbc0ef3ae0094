-- Grain: a source that can be fetched: requests of a capture as the newest one needed, and how slowly it is asked.
-- Parameter: roasters (uuid[]).
SELECT s.roaster_id, s.id AS source_id, s.base_url, COALESCE(newest.pages, 1) AS pages,
  GREATEST(COALESCE(s.crawl_delay_s, 0), 0.5)::float AS delay_s
FROM product_sources s
LEFT JOIN LATERAL (
  SELECT count(*)::int AS pages FROM scrape_artifacts a
  WHERE a.source_id = s.id AND a.completeness <> 'not_modified'
  GROUP BY a.capture_id ORDER BY max(a.observed_at) DESC LIMIT 1) newest ON true
WHERE s.roaster_id = ANY (%(roasters)s)
ORDER BY s.base_url;
