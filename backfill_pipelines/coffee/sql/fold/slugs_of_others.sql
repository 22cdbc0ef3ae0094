-- A coffee that no capture touched, and whose slug changes because of one that was, joins the fold as it stands.
INSERT INTO folded_coffees
SELECT r.* FROM folded_slugs s
JOIN coffees c ON c.id = s.id AND c.slug <> s.slug
CROSS JOIN LATERAL jsonb_populate_record(c, jsonb_build_object('slug', s.slug)) r
WHERE NOT EXISTS (SELECT FROM folded_coffees f WHERE f.id = s.id);
