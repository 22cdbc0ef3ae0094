-- The folded coffees get their slugs.
UPDATE folded_coffees f SET slug = s.slug FROM folded_slugs s WHERE s.id = f.id AND s.slug <> f.slug;
