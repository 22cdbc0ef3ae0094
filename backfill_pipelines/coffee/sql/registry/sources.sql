-- Grain: a shop feed, by roaster and base URL. Parameters: roasters (slugs, null for all).
SELECT s.id, s.roaster_id, r.slug AS roaster_slug, s.base_url, s.platform::text AS platform, s.currency,
  s.currency_history, s.kind_overrides, r.active_from
FROM product_sources s JOIN roasters r ON r.id = s.roaster_id
WHERE %(roasters)s::text[] IS NULL OR r.slug = ANY (%(roasters)s)
ORDER BY r.slug, s.base_url
