-- The price of an adopted variant that had none in its history.
INSERT INTO prices (variant_id, roaster_id, price, currency, compare_at_price, is_sale, scraped_at, artifact_id,
  source_url)
SELECT v.id, v.roaster_id, o.price, o.currency, o.compare_at_price, COALESCE(o.compare_at_price > o.price, false),
  a.observed_at, a.id, a.url
FROM variants v
JOIN variant_observations o ON o.product_artifact_id = v.coffee_id AND o.platform_variant_id = v.platform_variant_id
JOIN scrape_artifacts a ON a.id = v.coffee_id
WHERE v.coffee_id = ANY(%(coffees)s) AND o.price IS NOT NULL
  AND NOT EXISTS (SELECT FROM prices r WHERE r.variant_id = v.id)
ON CONFLICT (variant_id, scraped_at) DO NOTHING;
