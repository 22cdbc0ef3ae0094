-- The staged variants of taken-over coffees, with the id that each has already, or NULL.
-- Parameter: coffees, their ids.
SELECT DISTINCT p.coffee_id, s.platform_variant_id, v.id
FROM staged_variants s
JOIN staged_products p USING (product_no)
LEFT JOIN variants v ON v.coffee_id = p.coffee_id AND v.platform_variant_id = s.platform_variant_id
WHERE p.coffee_id = ANY(%(coffees)s);
