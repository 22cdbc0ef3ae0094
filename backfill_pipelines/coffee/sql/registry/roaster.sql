-- Grain: one roaster, by slug; written only where something differs. Parameters: the columns.
INSERT INTO roasters AS r (id, slug, name, website, platform, is_active, active_from, active_to, price_cadence,
  full_cadence, grace, default_concurrency, alert_price_delta_pct)
VALUES (%(id)s, %(slug)s, %(name)s, %(website)s, %(platform)s, %(is_active)s, %(active_from)s, %(active_to)s,
  %(price_cadence)s, %(full_cadence)s, make_interval(hours => %(grace_hours)s), %(default_concurrency)s,
  %(alert_price_delta_pct)s)
ON CONFLICT (slug) DO UPDATE SET name = excluded.name, website = excluded.website, platform = excluded.platform,
  is_active = excluded.is_active, active_from = excluded.active_from, active_to = excluded.active_to,
  price_cadence = excluded.price_cadence, full_cadence = excluded.full_cadence, grace = excluded.grace,
  default_concurrency = excluded.default_concurrency, alert_price_delta_pct = excluded.alert_price_delta_pct,
  updated_at = now()
WHERE (r.name, r.website, r.platform, r.is_active, r.active_from, r.active_to, r.price_cadence, r.full_cadence, r.grace,
    r.default_concurrency, r.alert_price_delta_pct)
  IS DISTINCT FROM (excluded.name, excluded.website, excluded.platform, excluded.is_active, excluded.active_from,
    excluded.active_to, excluded.price_cadence, excluded.full_cadence, excluded.grace, excluded.default_concurrency,
    excluded.alert_price_delta_pct)
RETURNING xmax = 0 AS is_new
