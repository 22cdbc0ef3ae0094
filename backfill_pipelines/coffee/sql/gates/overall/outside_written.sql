-- Rows outside the scope of a run that carry its id, and new prices outside that carry none: how many, and a sample.
-- Parameters: run (uuid), last_price (greatest id before the run), may_prices (bool), and those of ``outside``.
WITH fresh AS (
  SELECT p.id, 'price ' || p.id AS name, p.variant_id, p.scraped_at FROM prices p
  WHERE p.id > %(last_price)s AND (p.backfill_run_id = %(run)s
    OR (p.backfill_run_id IS NULL AND COALESCE(p.source_url, '') NOT LIKE 'adopted:%%'))
  UNION ALL
  SELECT p.id, 'correction of price ' || p.id, p.variant_id, p.scraped_at
  FROM price_corrections x JOIN prices p ON p.id = x.price_id WHERE x.backfill_run_id = %(run)s
), priced AS (
  SELECT f.name, c.source_id, c.platform_product_id, f.scraped_at AS observed_at
  FROM fresh f JOIN variants v ON v.id = f.variant_id JOIN coffees c ON c.id = v.coffee_id
), written AS (
  SELECT name, source_id, platform_product_id, observed_at, %(may_prices)s AS is_chosen FROM priced
  UNION ALL
  SELECT 'observation ' || id, source_id, platform_product_id, observed_at, true
  FROM product_artifacts WHERE backfill_run_id = %(run)s AND id <> artifact_id
  UNION ALL
  SELECT 'coffee ' || id, source_id, platform_product_id, NULL, true FROM coffees WHERE backfill_run_id = %(run)s
  UNION ALL
  SELECT 'variant ' || v.id, c.source_id, c.platform_product_id, NULL, true
  FROM variants v JOIN coffees c ON c.id = v.coffee_id WHERE v.backfill_run_id = %(run)s
)
SELECT count(*), (array_agg(concat_ws(' ', w.name, 'of', r.slug, 'at', o.base_url || ',', 'product',
  w.platform_product_id, w.observed_at) ORDER BY w.name))[1:20]
FROM written w
JOIN product_sources o ON o.id = w.source_id
JOIN roasters r ON r.id = o.roaster_id
WHERE NOT w.is_chosen OR r.id <> ALL (%(roasters)s::uuid[])
  OR (w.observed_at IS NOT NULL AND (
    (w.observed_at AT TIME ZONE 'UTC')::date NOT BETWEEN %(first)s::date AND %(last)s::date
    OR o.base_url <> ALL (%(base_urls)s::text[]) OR w.platform_product_id <> ALL (%(products)s::text[])));
