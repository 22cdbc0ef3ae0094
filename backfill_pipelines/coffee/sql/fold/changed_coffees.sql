-- The coffees whose stored row is not what the fold says.
CREATE TEMPORARY TABLE changed_coffees ON COMMIT DROP AS
SELECT t.id
FROM folded_coffees f
JOIN coffees t ON t.id = f.id
WHERE ROW(t.name, t.slug, t.product_kind, t.is_coffee, t.status, t.description_md, t.direct_buy_url, t.decaf,
    t.roast_level, t.roast_level_raw, t.process, t.process_raw, t.bean_species, t.default_grind, t.varieties,
    t.tags, t.region, t.country, t.altitude_min_m, t.altitude_max_m, t.notes_raw, t.source_raw, t.first_seen_at,
    t.last_seen_at, t.observed_at)
  IS DISTINCT FROM ROW(f.name, f.slug, f.product_kind, f.is_coffee, f.status, f.description_md, f.direct_buy_url, f.decaf,
    f.roast_level, f.roast_level_raw, f.process, f.process_raw, f.bean_species, f.default_grind, f.varieties,
    f.tags, f.region, f.country, f.altitude_min_m, f.altitude_max_m, f.notes_raw, f.source_raw, f.first_seen_at,
    f.last_seen_at, f.observed_at);
