-- Coffees with a variant whose status a later complete capture changes, though no capture of the chunk names them.
INSERT INTO touched_coffees (coffee_id, source_id, roaster_id, platform_product_id)
WITH complete AS MATERIALIZED (
  SELECT source_id, (array_agg(observed_at ORDER BY observed_at DESC))[1] AS last,
    (array_agg(observed_at ORDER BY observed_at DESC))[3] AS last_but_two
  FROM folded_captures WHERE is_complete GROUP BY source_id
)
SELECT DISTINCT c.id, c.source_id, c.roaster_id, c.platform_product_id
FROM coffees c
JOIN variants v ON v.coffee_id = c.id
LEFT JOIN complete k ON k.source_id = c.source_id
WHERE c.source_id IN (SELECT source_id FROM folded_captures)
  AND v.status <> CASE WHEN v.last_seen_at < k.last_but_two THEN 'archived' WHEN v.last_seen_at < k.last THEN 'missing'
    ELSE 'active' END
ON CONFLICT DO NOTHING;
