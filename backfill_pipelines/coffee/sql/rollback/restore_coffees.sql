-- Rows that are still as the run left them become what they were before it.
UPDATE coffees t SET name = r.name, slug = r.slug, product_kind = r.product_kind, is_coffee = r.is_coffee, status = r.status,
  description_md = r.description_md, direct_buy_url = r.direct_buy_url, decaf = r.decaf, roast_level =
  r.roast_level, roast_level_raw = r.roast_level_raw, process = r.process, process_raw = r.process_raw,
  bean_species = r.bean_species, default_grind = r.default_grind, varieties = r.varieties, tags = r.tags, region =
  r.region, country = r.country, altitude_min_m = r.altitude_min_m, altitude_max_m = r.altitude_max_m, notes_raw =
  r.notes_raw, source_raw = r.source_raw, first_seen_at = r.first_seen_at, last_seen_at = r.last_seen_at,
  observed_at = r.observed_at, backfill_run_id = r.backfill_run_id, updated_at = r.updated_at
FROM intact_images i
CROSS JOIN LATERAL jsonb_populate_record(NULL::coffees, i.before) r
WHERE i.table_name = 'coffees' AND i.before IS NOT NULL AND t.id = i.row_id::uuid;
