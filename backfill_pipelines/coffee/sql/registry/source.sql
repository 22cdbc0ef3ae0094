-- Grain: one shop feed, by roaster and base URL; written only where something differs. Parameters: the columns.
INSERT INTO product_sources AS s (id, roaster_id, base_url, platform, products_endpoint, currency, page_limit,
  currency_history, kind_overrides)
VALUES (%(id)s, %(roaster_id)s, %(base_url)s, %(platform)s, %(products_endpoint)s, %(currency)s, %(page_limit)s,
  %(currency_history)s, %(kind_overrides)s)
ON CONFLICT (roaster_id, base_url) DO UPDATE SET platform = excluded.platform,
  products_endpoint = excluded.products_endpoint, currency = excluded.currency, page_limit = excluded.page_limit,
  currency_history = excluded.currency_history, kind_overrides = excluded.kind_overrides
WHERE (s.platform, s.products_endpoint, s.currency, s.page_limit, s.currency_history, s.kind_overrides)
  IS DISTINCT FROM (excluded.platform, excluded.products_endpoint, excluded.currency, excluded.page_limit,
    excluded.currency_history, excluded.kind_overrides)
RETURNING xmax = 0 AS is_new
