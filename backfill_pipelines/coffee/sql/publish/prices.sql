-- One row for each priced variant of each capture, changed or not; what is there already stays as it is.
INSERT INTO prices (variant_id, roaster_id, price, currency, compare_at_price, is_sale, scraped_at, price_from,
  artifact_id, source_url, backfill_run_id)
SELECT s.variant_id, p.roaster_id, s.price, s.currency, s.compare_at_price,
  COALESCE(s.compare_at_price > s.price, false), p.observed_at, s.price_from, p.artifact_id, p.url, %(run)s::uuid
FROM publishing p
JOIN staged_variants s USING (product_no)
WHERE s.price IS NOT NULL AND p.standing <> 'yields'
  AND NOT EXISTS (SELECT FROM prices_there t WHERE t.variant_id = s.variant_id AND t.observed_at = p.observed_at)
ORDER BY s.variant_id, p.observed_at
ON CONFLICT (variant_id, scraped_at) DO NOTHING;
