-- The same of their variants.
INSERT INTO variant_observations
SELECT r.* FROM withdrawn w
CROSS JOIN LATERAL jsonb_populate_recordset(NULL::variant_observations, w.before -> 'variants') r
WHERE w.before IS NOT NULL AND jsonb_typeof(w.before -> 'variants') = 'array';
