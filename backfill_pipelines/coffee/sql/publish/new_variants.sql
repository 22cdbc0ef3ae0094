-- Variants seen for the first time, so that prices can refer to them; the fold fills in everything else.
WITH inserted AS (
INSERT INTO variants (id, coffee_id, roaster_id, platform_variant_id, currency, first_seen_at, last_seen_at,
  observed_at, backfill_run_id)
SELECT s.variant_id, p.coffee_id, p.roaster_id, s.platform_variant_id, s.currency,
  p.observed_at, p.observed_at, p.observed_at, %(run)s::uuid
FROM (
  SELECT s.variant_id, min(s.product_no) AS product_no
  FROM publishing p
  JOIN staged_variants s USING (product_no)
  WHERE p.standing IN ('new', 'replaces')
  GROUP BY s.variant_id
) first
JOIN publishing p USING (product_no)
JOIN staged_variants s USING (product_no, variant_id)
WHERE NOT EXISTS (SELECT FROM variants v WHERE v.id = s.variant_id)
ON CONFLICT (id) DO NOTHING
RETURNING id
)
INSERT INTO new_rows SELECT id FROM inserted;
