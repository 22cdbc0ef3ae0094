-- The coffees whose observations this chunk adds, repeats or confirms, and those that were adopted just now.
-- Parameter: adopted, ids of coffees.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT coffee_id, source_id, roaster_id, platform_product_id FROM publishing
UNION
SELECT id, source_id, roaster_id, platform_product_id FROM coffees WHERE id = ANY(%(adopted)s::uuid[])
ON CONFLICT DO NOTHING;
