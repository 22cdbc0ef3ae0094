-- Who keeps a handle that several coffees of a roaster have: the one seen last (tie: the greater product id as text);
-- the others get handle-product id. Where that is taken too, as a handle or by a coffee seen later (a product id is its
-- source's own), it is followed by the end of the coffee's id. Looks at every coffee of the roaster: one that is not
-- folded has its slug for a handle, unless that ends as a slug that was given here does.
CREATE TEMPORARY TABLE folded_slugs ON COMMIT DROP AS
WITH holders AS (
  SELECT id, roaster_id, platform_product_id, last_seen_at, slug AS handle FROM folded_coffees
  UNION ALL
  SELECT c.id, c.roaster_id, c.platform_product_id, c.last_seen_at, COALESCE(x.value #>> '{}', p.handle, c.slug)
  FROM coffees c
  LEFT JOIN field_overrides x ON x.coffee_id = c.id AND x.field = 'slug'
  LEFT JOIN LATERAL (
    SELECT p.normalized ->> 'slug' AS handle FROM product_artifacts p
    WHERE p.source_id = c.source_id AND p.platform_product_id = c.platform_product_id
      AND (right(c.slug, 1 + length(c.platform_product_id)) = '-' || c.platform_product_id
        OR right(c.slug, 13) = '-' || right(c.id::text, 12))
    ORDER BY p.observed_at DESC, p.artifact_id DESC LIMIT 1
  ) p ON true
  WHERE c.roaster_id IN (SELECT roaster_id FROM folded_coffees)
    AND NOT EXISTS (SELECT FROM folded_coffees f WHERE f.id = c.id)
), ranked AS (
  SELECT *, handle || '-' || platform_product_id AS with_product, row_number() OVER (PARTITION BY roaster_id, handle
    ORDER BY last_seen_at DESC, platform_product_id COLLATE "C" DESC, id DESC) = 1 AS is_keeper
  FROM holders
), settled AS (
  SELECT r.*, taken.handle IS NULL AND row_number() OVER (PARTITION BY r.roaster_id, is_keeper, with_product
    ORDER BY last_seen_at DESC, platform_product_id COLLATE "C" DESC, id DESC) = 1 AS is_free
  FROM ranked r
  LEFT JOIN (SELECT DISTINCT roaster_id, handle FROM holders) taken
    ON taken.roaster_id = r.roaster_id AND taken.handle = r.with_product
)
SELECT id, CASE WHEN is_keeper THEN handle WHEN is_free THEN with_product
  ELSE with_product || '-' || right(id::text, 12) END AS slug
FROM settled;
