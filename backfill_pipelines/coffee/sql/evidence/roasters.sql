-- Grain: a roaster with the ids of its sources. Parameter: slugs (text[], NULL for all).
SELECT r.id, r.slug, r.price_cadence, r.full_cadence, r.grace, r.active_from, r.active_to, r.is_active, r.robots_allow,
  r.default_concurrency, array_remove(array_agg(s.id ORDER BY s.id), NULL) AS sources
FROM roasters r
LEFT JOIN product_sources s ON s.roaster_id = r.id
WHERE %(slugs)s::text[] IS NULL OR r.slug = ANY (%(slugs)s)
GROUP BY r.id
ORDER BY r.slug;
