-- Observed coffees that a person has set something of, or that an earlier run of overrides has changed: what was taken
-- back since is folded out again. Parameter: roaster (slug, NULL for all).
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT c.id, c.source_id, c.roaster_id, c.platform_product_id
FROM coffees c JOIN roasters r ON r.id = c.roaster_id
WHERE (%(roaster)s::text IS NULL OR r.slug = %(roaster)s)
  AND (c.id IN (SELECT coffee_id FROM field_overrides)
    OR c.id::text IN (SELECT i.row_id FROM row_before_images i JOIN backfill_runs b ON b.id = i.backfill_run_id
      WHERE i.table_name = 'coffees' AND b.scope ? 'overrides' AND b.status = 'ok'))
  AND EXISTS (SELECT FROM product_artifacts p
    WHERE p.source_id = c.source_id AND p.platform_product_id = c.platform_product_id)
ON CONFLICT DO NOTHING;
