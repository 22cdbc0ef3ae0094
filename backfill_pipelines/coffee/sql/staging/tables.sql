-- The staging of one chunk: temporary tables without constraints, so that a gate can name what breaks a rule.
-- Grain: a capture (body), a product of a body, a variant of a product, a thing set aside.
CREATE TEMPORARY TABLE staged_captures (
  artifact_no int, artifact_id uuid, capture_id uuid, source_id uuid, roaster_id uuid, partition text, day date,
  url text, observed_at timestamptz, completeness text, currency text, status validation_status_enum, errors jsonb,
  captured_products int, captured_variants int, body_sha256 text, body_sha256_found text,
  transform_version text, normalizer_version text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_products (
  product_no int, artifact_no int, product_artifact_id uuid, coffee_id uuid, product_index int,
  platform_product_id text, raw_payload_hash text, product_hash text, content_hash text, price_hash text,
  normalized jsonb, status validation_status_enum, codes text[]
) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_variants (
  product_no int, variant_id uuid, platform_variant_id text, price numeric, currency text, compare_at_price numeric,
  price_from text, in_stock boolean, stock_qty int, sku text, title text, options jsonb, weight_g int, pack_count int,
  grind grind_enum, grind_raw text, subscription_available boolean, codes text[]
) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_rejected (
  artifact_no int, platform_product_id text, platform_variant_id text, reason text, detail jsonb
) ON COMMIT DROP;
