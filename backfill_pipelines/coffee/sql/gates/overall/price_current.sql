-- Variants whose current price or currency is not that of their newest effective price row.
SELECT (SELECT count(*) FROM variants), count(*),
  (array_agg('variant ' || v.id || ': ' || COALESCE(v.price_current::text, 'none') || ', newest row '
    || COALESCE(e.price::text, 'none') ORDER BY v.id))[1:20]
FROM variants v
LEFT JOIN LATERAL (
  SELECT p.price, p.currency FROM effective_prices p WHERE p.variant_id = v.id
  ORDER BY p.scraped_at DESC, p.id DESC LIMIT 1
) e ON true
WHERE v.price_current IS DISTINCT FROM e.price OR (e.price IS NOT NULL AND v.currency <> e.currency);
