-- Every observed coffee is asked about; rows that no artifact says are not explained by a fold.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
SELECT c.id, c.source_id, c.roaster_id, c.platform_product_id FROM coffees c
WHERE EXISTS (SELECT FROM product_artifacts p
  WHERE p.source_id = c.source_id AND p.platform_product_id = c.platform_product_id)
ON CONFLICT DO NOTHING;
