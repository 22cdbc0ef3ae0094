-- The fold becomes the stored row, where it differs.
UPDATE coffees t SET name = f.name, slug = f.slug, product_kind = f.product_kind, is_coffee = f.is_coffee, status = f.status,
  description_md = f.description_md, direct_buy_url = f.direct_buy_url, decaf = f.decaf, roast_level =
  f.roast_level, roast_level_raw = f.roast_level_raw, process = f.process, process_raw = f.process_raw,
  bean_species = f.bean_species, default_grind = f.default_grind, varieties = f.varieties, tags = f.tags, region
  = f.region, country = f.country, altitude_min_m = f.altitude_min_m, altitude_max_m = f.altitude_max_m,
  notes_raw = f.notes_raw, source_raw = f.source_raw, first_seen_at = f.first_seen_at, last_seen_at =
  f.last_seen_at, observed_at = f.observed_at,
  updated_at = now(), backfill_run_id = %(run)s::uuid
FROM folded_coffees f
JOIN changed_coffees changed ON changed.id = f.id
WHERE t.id = f.id;
