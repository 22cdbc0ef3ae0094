-- What a fold is asked about, and what it finds.
CREATE TEMPORARY TABLE touched_coffees (coffee_id uuid PRIMARY KEY, source_id uuid NOT NULL, roaster_id uuid NOT NULL,
  platform_product_id text NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE folded_captures (source_id uuid, capture_id uuid, observed_at timestamptz, is_complete boolean,
  has_dropped boolean, products bigint) ON COMMIT DROP;
CREATE TEMPORARY TABLE history (coffee_id uuid, product_artifact_id uuid, artifact_id uuid, content_hash text, codes text[],
  observed_at timestamptz, seen_at timestamptz, age int) ON COMMIT DROP;
CREATE TEMPORARY TABLE folded_variants (LIKE variants) ON COMMIT DROP;
CREATE TEMPORARY TABLE folded_coffees (LIKE coffees) ON COMMIT DROP;
