-- One row for each priced variant of each capture, changed or not; what is there already stays as it is.
INSERT INTO prices (variant_id, roaster_id, price, currency, compare_at_price, is_sale, scraped_at, price_from,
  artifact_id, source_url, backfill_run_id)
SELECT o.variant_id, p.roaster_id, o.price, o.currency, o.compare_at_price,
  COALESCE(o.compare_at_price > o.price, false), o.observed_at, o.price_from, p.artifact_id, p.url, %(run)s::uuid
FROM prices_open o
JOIN publishing p USING (product_no)
WHERE o.price_id IS NULL
ORDER BY o.variant_id, o.observed_at
ON CONFLICT (variant_id, scraped_at) DO NOTHING;
