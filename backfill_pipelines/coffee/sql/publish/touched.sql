-- The coffees whose observations this chunk adds, repeats or confirms.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT DISTINCT coffee_id, source_id, roaster_id, platform_product_id FROM publishing
ON CONFLICT DO NOTHING;
