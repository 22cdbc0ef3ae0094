-- Touched coffees without any observation (rolled back): the row stays, archived.
INSERT INTO folded_coffees
SELECT r.*
FROM touched_coffees t
JOIN coffees c ON c.id = t.coffee_id
CROSS JOIN LATERAL jsonb_populate_record(c, '{"status": "archived"}') r
WHERE NOT EXISTS (SELECT FROM folded_coffees f WHERE f.id = c.id);
