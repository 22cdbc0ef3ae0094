-- Staged products whose coffee is there under an id that is not made from its natural key get that id.
UPDATE staged_products s SET coffee_id = c.id
FROM staged_captures a JOIN coffees c ON c.source_id = a.source_id
WHERE a.artifact_no = s.artifact_no AND c.platform_product_id = s.platform_product_id AND c.id <> s.coffee_id
RETURNING s.coffee_id;
