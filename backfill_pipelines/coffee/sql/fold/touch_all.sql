-- Every coffee is asked about.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT id, source_id, roaster_id, platform_product_id FROM coffees
ON CONFLICT DO NOTHING;
