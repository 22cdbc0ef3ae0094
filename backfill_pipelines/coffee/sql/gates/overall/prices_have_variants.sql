-- Price rows without their variant.
SELECT (SELECT count(*) FROM prices), count(*), (array_agg('price ' || p.id ORDER BY p.id))[1:20]
FROM prices p WHERE NOT EXISTS (SELECT FROM variants v WHERE v.id = p.variant_id);
