-- Who keeps a handle that several coffees of a roaster have: the one seen last (tie: the greater product id as text);
-- the others get handle-product id. Looks at every coffee of the roaster that has or could have a touched handle.
CREATE TEMPORARY TABLE folded_slugs ON COMMIT DROP AS
WITH stored AS (
  SELECT c.id, c.roaster_id, c.source_id, c.platform_product_id, c.last_seen_at, c.slug, f.id IS NOT NULL AS is_folded,
    CASE WHEN right(c.slug, 1 + length(c.platform_product_id)) = '-' || c.platform_product_id
      THEN left(c.slug, -1 - length(c.platform_product_id)) END AS without_id
  FROM coffees c
  LEFT JOIN folded_coffees f ON f.id = c.id
  WHERE c.roaster_id IN (SELECT roaster_id FROM folded_coffees)
), handles AS (
  SELECT roaster_id, slug AS handle FROM folded_coffees
  UNION SELECT roaster_id, slug FROM stored WHERE is_folded
  UNION SELECT roaster_id, without_id FROM stored WHERE is_folded AND without_id IS NOT NULL
), others AS (
  SELECT s.*, h.handle FROM stored s JOIN handles h ON h.roaster_id = s.roaster_id AND h.handle = s.slug
  WHERE NOT s.is_folded
  UNION
  SELECT s.*, h.handle FROM stored s JOIN handles h ON h.roaster_id = s.roaster_id AND h.handle = s.without_id
  WHERE NOT s.is_folded
), holders AS (
  SELECT id, roaster_id, platform_product_id, last_seen_at, slug AS handle FROM folded_coffees
  UNION ALL
  SELECT o.id, o.roaster_id, o.platform_product_id, o.last_seen_at, o.handle FROM others o
  WHERE o.handle = COALESCE(
    (SELECT x.value #>> '{}' FROM field_overrides x WHERE x.coffee_id = o.id AND x.field = 'slug'),
    (SELECT p.normalized ->> 'slug' FROM product_artifacts p
     WHERE p.source_id = o.source_id AND p.platform_product_id = o.platform_product_id
     ORDER BY p.observed_at DESC, p.artifact_id DESC LIMIT 1), o.slug)
)
SELECT id, CASE WHEN row_number() OVER (PARTITION BY roaster_id, handle
    ORDER BY last_seen_at DESC, platform_product_id COLLATE "C" DESC, id DESC) = 1
  THEN handle ELSE handle || '-' || platform_product_id END AS slug
FROM holders;
