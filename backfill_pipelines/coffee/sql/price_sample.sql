-- Grain: an effective price of a sample of variants: those of which a backfill wrote the most rows, one of each coffee.
-- Parameters: run (uuid), variants (how many).
WITH written AS (
  SELECT p.variant_id, count(*) AS rows FROM prices p WHERE p.backfill_run_id = %(run)s GROUP BY p.variant_id
), one_of_each AS (
  SELECT DISTINCT ON (v.coffee_id) v.id, v.coffee_id, w.rows
  FROM written w JOIN variants v ON v.id = w.variant_id
  ORDER BY v.coffee_id, w.rows DESC, v.platform_variant_id
), chosen AS (
  SELECT o.id FROM one_of_each o JOIN coffees c ON c.id = o.coffee_id
  ORDER BY o.rows DESC, c.source_id, c.platform_product_id LIMIT %(variants)s
)
SELECT e.variant_id, concat_ws(' ', c.name, v.title) AS name, e.currency, e.scraped_at, e.price,
  p.backfill_run_id IS NOT DISTINCT FROM %(run)s OR corrected.price_id IS NOT NULL AS is_of_run
FROM chosen
JOIN variants v ON v.id = chosen.id
JOIN coffees c ON c.id = v.coffee_id
JOIN effective_prices e ON e.variant_id = v.id
JOIN prices p ON p.id = e.id
LEFT JOIN price_corrections corrected ON corrected.price_id = p.id AND corrected.backfill_run_id = %(run)s
ORDER BY c.name, e.variant_id, e.scraped_at;
