-- Grain: a field of a coffee that the fold says otherwise than the stored row.
SELECT concat_ws(' ', r.slug, 'product', t.platform_product_id || ':', n.key, was.value #>> '{}', '->', n.value #>> '{}')
FROM changed_coffees changed
JOIN coffees t ON t.id = changed.id
JOIN roasters r ON r.id = t.roaster_id
JOIN folded_coffees f ON f.id = changed.id
CROSS JOIN LATERAL jsonb_each(to_jsonb(f)) n
CROSS JOIN LATERAL (SELECT to_jsonb(t) -> n.key AS value) was
WHERE n.key NOT IN ('updated_at', 'backfill_run_id') AND n.value IS DISTINCT FROM was.value
ORDER BY r.slug, t.platform_product_id, n.key;
