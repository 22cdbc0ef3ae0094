-- The coffees that are folded anew.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT c.id, c.source_id, c.roaster_id, c.platform_product_id FROM coffees c
WHERE c.id::text IN (SELECT row_id FROM run_images WHERE table_name = 'coffees')
  OR c.id IN (SELECT v.coffee_id FROM variants v
    WHERE v.id::text IN (SELECT row_id FROM run_images WHERE table_name = 'variants'))
  OR EXISTS (SELECT FROM withdrawn w
    WHERE w.source_id = c.source_id AND w.platform_product_id = c.platform_product_id)
ON CONFLICT DO NOTHING;
