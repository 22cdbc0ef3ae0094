-- Coffees of the chunk that are there without any observation and that no run has written: older than this project.
SELECT c.id FROM coffees c
WHERE c.id IN (SELECT coffee_id FROM staged_products) AND c.backfill_run_id IS NULL
  AND NOT EXISTS (SELECT FROM product_artifacts p
    WHERE p.source_id = c.source_id AND p.platform_product_id = c.platform_product_id);
