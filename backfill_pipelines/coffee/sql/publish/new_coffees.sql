-- Coffees seen for the first time, so that variants can refer to them; the fold fills in everything else.
WITH inserted AS (
INSERT INTO coffees (id, source_id, roaster_id, platform_product_id, name, slug, status, first_seen_at, last_seen_at,
  observed_at, backfill_run_id)
SELECT DISTINCT ON (p.coffee_id) p.coffee_id, p.source_id, p.roaster_id, p.platform_product_id,
  s.normalized ->> 'name', 'new:' || p.coffee_id, 'active', p.observed_at, p.observed_at, p.observed_at, %(run)s::uuid
FROM publishing p
JOIN staged_products s USING (product_no)
WHERE p.standing IN ('new', 'replaces')
  AND NOT EXISTS (SELECT FROM coffees c WHERE c.id = p.coffee_id)
ORDER BY p.coffee_id, p.observed_at DESC
ON CONFLICT (id) DO NOTHING
RETURNING id
)
INSERT INTO new_rows SELECT id FROM inserted;
