-- Grain: a table and a kind of difference between the staged rows of a scope and the live ones, with a sample.
-- Parameters: roasters (uuid[]), first, last (date, both included), base_urls (text[], NULL for all),
-- products (text[], NULL for all).
WITH said AS (
  SELECT a.source_id, s.platform_product_id, a.observed_at, s.content_hash, s.price_hash, s.product_no
  FROM staged_products s JOIN staged_captures a USING (artifact_no)
), live AS (
  SELECT p.* FROM product_artifacts p JOIN product_sources o ON o.id = p.source_id
  WHERE p.roaster_id = ANY (%(roasters)s)
    AND (p.observed_at AT TIME ZONE 'UTC')::date BETWEEN %(first)s AND %(last)s
    AND (%(base_urls)s::text[] IS NULL OR o.base_url = ANY (%(base_urls)s))
    AND (%(products)s::text[] IS NULL OR p.platform_product_id = ANY (%(products)s))
), observations AS (
  SELECT CASE WHEN live.id IS NULL THEN 'new' WHEN said.product_no IS NULL THEN 'unreproduced'
      WHEN (live.content_hash, live.price_hash) IS DISTINCT FROM (said.content_hash, said.price_hash)
        THEN 'changed' ELSE 'same' END AS kind,
    concat_ws(' ', COALESCE(said.platform_product_id, live.platform_product_id),
      COALESCE(said.observed_at, live.observed_at)) AS name
  FROM said FULL JOIN live USING (source_id, platform_product_id, observed_at)
), said_prices AS (
  SELECT v.variant_id, said.observed_at AS scraped_at, v.price, v.currency, v.compare_at_price
  FROM said JOIN staged_variants v USING (product_no)
  WHERE v.price IS NOT NULL
), live_prices AS (
  SELECT e.variant_id, e.scraped_at, e.price, e.currency, e.compare_at_price
  FROM effective_prices e JOIN variants v ON v.id = e.variant_id JOIN coffees c ON c.id = v.coffee_id
  JOIN product_sources o ON o.id = c.source_id
  WHERE e.roaster_id = ANY (%(roasters)s)
    AND (e.scraped_at AT TIME ZONE 'UTC')::date BETWEEN %(first)s AND %(last)s
    AND (%(base_urls)s::text[] IS NULL OR o.base_url = ANY (%(base_urls)s))
    AND (%(products)s::text[] IS NULL OR c.platform_product_id = ANY (%(products)s))
), prices AS (
  SELECT CASE WHEN l.variant_id IS NULL THEN 'new' WHEN s.variant_id IS NULL THEN 'unreproduced'
      WHEN (l.price, l.currency, l.compare_at_price) IS DISTINCT FROM (s.price, s.currency::char(3), s.compare_at_price)
        THEN 'changed' ELSE 'same' END AS kind,
    concat_ws(' ', variant_id, scraped_at) AS name
  FROM said_prices s FULL JOIN live_prices l USING (variant_id, scraped_at)
), differences AS (
  SELECT 'observations' AS table_name, kind, name FROM observations UNION ALL SELECT 'prices', kind, name FROM prices
)
SELECT table_name, kind, count(*) AS count, (array_agg(name ORDER BY name))[1:20] AS sample
FROM differences
WHERE kind <> 'same'
GROUP BY table_name, kind
ORDER BY table_name, kind;
