-- Grain: a source and its roaster: what robots.txt says. The roaster is allowed while all of its sources are.
-- Parameters: source_id, is_allowed, crawl_delay_s, checked_at.
WITH own AS (
  UPDATE product_sources SET robots_ok = %(is_allowed)s, crawl_delay_s = %(crawl_delay_s)s
  WHERE id = %(source_id)s
  RETURNING roaster_id
)
UPDATE roasters r SET robots_checked_at = %(checked_at)s, robots_allow = %(is_allowed)s AND NOT EXISTS (
  SELECT FROM product_sources o WHERE o.roaster_id = r.id AND o.id <> %(source_id)s AND NOT o.robots_ok)
FROM own WHERE r.id = own.roaster_id
