-- Coffees of the chunk's sources that are there without any observation and that no run has written: older than this
-- project. Not only those that the chunk names: a complete capture says something of those that it lacks as well.
SELECT c.id FROM coffees c
WHERE c.source_id IN (SELECT source_id FROM staged_captures) AND c.backfill_run_id IS NULL
  AND NOT EXISTS (SELECT FROM product_artifacts p
    WHERE p.source_id = c.source_id AND p.platform_product_id = c.platform_product_id);
