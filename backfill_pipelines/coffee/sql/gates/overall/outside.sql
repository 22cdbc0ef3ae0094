-- Grain: a table and a roaster with rows that a run must leave alone; their number and order-free digest.
-- Of coffees and variants: other roasters, sources and products. Of observations: other days as well, by their hashes;
-- and of the scope's own what they say of data that was not chosen (which variants there are is content).
-- A row that was adopted is no run's observation. A slug follows from the handles of all sources of a roaster.
-- Parameters: roasters (uuid[]), first, last (date), base_urls, products (text[], NULL for all), may_content,
-- may_prices, may_stock (bool).
WITH watched AS (
  SELECT c.id, c.roaster_id <> ALL (%(roasters)s::uuid[]) AS is_foreign
  FROM coffees c JOIN product_sources o ON o.id = c.source_id
  WHERE c.roaster_id <> ALL (%(roasters)s::uuid[])
    OR ((o.base_url <> ALL (%(base_urls)s::text[]) OR c.platform_product_id <> ALL (%(products)s::text[]))
      AND EXISTS (SELECT FROM product_artifacts p WHERE p.source_id = c.source_id
        AND p.platform_product_id = c.platform_product_id AND p.id <> p.artifact_id))
), observed AS (
  SELECT p.id, p.roaster_id, p.artifact_id, p.product_hash, p.content_hash, p.price_hash, p.transform_version,
    p.normalizer_version, COALESCE(p.roaster_id <> ALL (%(roasters)s::uuid[])
    OR (p.observed_at AT TIME ZONE 'UTC')::date NOT BETWEEN %(first)s::date AND %(last)s::date
    OR o.base_url <> ALL (%(base_urls)s::text[]) OR p.platform_product_id <> ALL (%(products)s::text[]), false)
    AS is_outside
  FROM product_artifacts p JOIN product_sources o ON o.id = p.source_id
  WHERE p.id <> p.artifact_id
), digested AS (
  SELECT 'coffees' AS table_name, c.roaster_id, hashtextextended((to_jsonb(c)
    - CASE WHEN w.is_foreign THEN '{}' ELSE '{slug,updated_at,backfill_run_id}' END::text[])::text, 0) AS digest
  FROM watched w JOIN coffees c USING (id)
  UNION ALL
  SELECT 'variants', v.roaster_id, hashtextextended(v::text, 0) FROM watched w JOIN variants v ON v.coffee_id = w.id
  UNION ALL
  SELECT 'observations', roaster_id, hashtextextended(concat_ws(':', id, artifact_id, product_hash, content_hash,
    price_hash, transform_version, normalizer_version), 0)
  FROM observed WHERE is_outside
  UNION ALL
  SELECT 'content', roaster_id, hashtextextended(concat_ws(':', id, content_hash), 0)
  FROM observed WHERE NOT %(may_content)s AND NOT is_outside
  UNION ALL
  SELECT 'observed prices', p.roaster_id, hashtextextended(concat_ws(':', p.id, v.platform_variant_id, v.currency,
    v.price, v.compare_at_price), 0)
  FROM observed p JOIN variant_observations v ON v.product_artifact_id = p.id
  WHERE NOT %(may_prices)s AND NOT %(may_content)s AND NOT is_outside
  UNION ALL
  SELECT 'observed stock', p.roaster_id, hashtextextended(concat_ws(':', p.id, v.platform_variant_id, v.in_stock,
    v.stock_qty), 0)
  FROM observed p JOIN variant_observations v ON v.product_artifact_id = p.id
  WHERE NOT %(may_stock)s AND NOT %(may_content)s AND NOT is_outside
)
SELECT d.table_name || ' of ' || r.slug, count(*), sum(d.digest::numeric)::text
FROM digested d JOIN roasters r ON r.id = d.roaster_id
GROUP BY 1;
