-- Grain: a day of a roaster that has stored bodies: how many, how large, and a digest that changes when they do, or
-- what the registry says of their source: its currencies, kinds given by hand, the roaster's first day.
-- Parameters: roasters (uuid[]), first, last (date, both included), base_urls (text[], NULL for all).
SELECT a.roaster_id, a.partition_date AS day, count(*) AS artifacts, sum(a.body_len)::bigint AS bytes,
  encode(sha256(convert_to(string_agg(
    concat_ws(':', a.id, a.body_sha256, a.completeness, s.currency, s.currency_history, s.kind_overrides,
      r.active_from), ',' ORDER BY a.id), 'UTF8')), 'hex') AS digest
FROM scrape_artifacts a
JOIN product_sources s ON s.id = a.source_id
JOIN roasters r ON r.id = a.roaster_id
WHERE a.roaster_id = ANY (%(roasters)s) AND a.partition_date BETWEEN %(first)s AND %(last)s
  AND a.superseded_by IS NULL AND a.validation_status <> 'superseded'
  AND (%(base_urls)s::text[] IS NULL OR s.base_url = ANY (%(base_urls)s))
GROUP BY a.roaster_id, a.partition_date;
