-- The ids of the variants of taken-over coffees, in every staged capture.
-- Parameters: coffees, platform_variant_ids, ids: arrays of equal length.
UPDATE staged_variants s SET variant_id = t.id
FROM staged_products p,
  unnest(%(coffees)s::uuid[], %(platform_variant_ids)s::text[], %(ids)s::uuid[]) AS t (coffee_id, platform_variant_id, id)
WHERE p.product_no = s.product_no AND p.coffee_id = t.coffee_id AND s.platform_variant_id = t.platform_variant_id;
