-- The schema of the coffee recovery: sources and captures, observations, their fold, prices, backfills, evidence.
-- Grain, keys and the reasons for both are documented in docs/coffee.md. Never changed once applied: add a file.

CREATE TYPE platform_enum AS ENUM ('shopify','woocommerce','custom','other');
CREATE TYPE run_status_enum AS ENUM ('ok','partial','fail');
CREATE TYPE coffee_status_enum AS ENUM ('active','seasonal','discontinued','draft','hidden','coming_soon','archived');
CREATE TYPE roast_level_enum AS ENUM ('light','light_medium','medium','medium_dark','dark');
CREATE TYPE process_enum AS ENUM ('washed','natural','honey','pulped_natural','monsooned','wet_hulled','anaerobic','carbonic_maceration','double_fermented','experimental','other');
CREATE TYPE grind_enum AS ENUM ('whole','filter','espresso','omni','other','turkish','moka','cold_brew','aeropress','channi','coffee filter','cold brew','french press','home espresso','commercial espresso','inverted aeropress','south indian filter','moka pot','pour over','syphon');
CREATE TYPE species_enum AS ENUM ('arabica','robusta','liberica','blend','arabica_80_robusta_20','arabica_70_robusta_30','arabica_60_robusta_40','arabica_50_robusta_50','robusta_80_arabica_20','arabica_chicory','robusta_chicory','blend_chicory','filter_coffee_mix');
CREATE TYPE validation_status_enum AS ENUM ('pending','valid','valid_with_warnings','needs_review','invalid','superseded');
CREATE TABLE roasters (id uuid PRIMARY KEY, slug text NOT NULL UNIQUE CHECK (slug = lower(slug)), name text NOT NULL, website text,
  platform platform_enum, is_active boolean NOT NULL DEFAULT true, active_from date, active_to date,
  price_cadence text NOT NULL DEFAULT '0 4 * * 0', full_cadence text NOT NULL DEFAULT '0 3 1 * *', grace interval NOT NULL DEFAULT '36 hours',
  default_concurrency int NOT NULL DEFAULT 3 CHECK (default_concurrency BETWEEN 1 AND 10), alert_price_delta_pct numeric(5,4) NOT NULL DEFAULT 0.10,
  robots_allow boolean, robots_checked_at timestamptz, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE product_sources (id uuid PRIMARY KEY, roaster_id uuid NOT NULL REFERENCES roasters ON DELETE RESTRICT, base_url text NOT NULL,
  platform platform_enum NOT NULL, products_endpoint text, currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'), page_limit int NOT NULL DEFAULT 250,
  currency_history jsonb NOT NULL DEFAULT '[]', kind_overrides jsonb NOT NULL DEFAULT '{}', robots_ok boolean, crawl_delay_s numeric, last_ok_ping timestamptz, created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (roaster_id, base_url), UNIQUE (id, roaster_id));
CREATE TABLE http_validators (url text PRIMARY KEY, etag text, last_modified text, checked_at timestamptz NOT NULL);
CREATE TABLE backfill_runs (id uuid PRIMARY KEY, mode text NOT NULL CHECK (mode IN ('incremental','full','selective','validation')), scope jsonb NOT NULL,
  plan jsonb NOT NULL, fingerprint text NOT NULL, status text NOT NULL CHECK (status IN ('planned','running','ok','failed','aborted','rolled_back')),
  dagster_run_id text, totals jsonb, created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz, finished_at timestamptz);
CREATE TABLE backfill_partitions (backfill_run_id uuid NOT NULL REFERENCES backfill_runs ON DELETE RESTRICT, roaster_id uuid NOT NULL REFERENCES roasters ON DELETE RESTRICT,
  day date NOT NULL, state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending','running','ok','partial','failed','unrecoverable','skipped')), attempts int NOT NULL DEFAULT 0,
  lease_until timestamptz, input_digest text, checkpoint jsonb, verdict jsonb, error_code text, error text, updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (backfill_run_id, roaster_id, day));
CREATE TABLE scrape_runs (id uuid PRIMARY KEY, source_id uuid, roaster_id uuid NOT NULL REFERENCES roasters ON DELETE RESTRICT,
  job_type text NOT NULL CHECK (job_type IN ('full_refresh','price_only','replay','import')), trigger text NOT NULL DEFAULT 'schedule', tick timestamptz, partition_date date,
  started_at timestamptz NOT NULL, finished_at timestamptz, status run_status_enum, stats_json jsonb NOT NULL DEFAULT '{}', backfill_run_id uuid REFERENCES backfill_runs ON DELETE RESTRICT,
  attempt int NOT NULL DEFAULT 1, heartbeat_at timestamptz, lease_until timestamptz, error_code text, error text, superseded_by uuid REFERENCES scrape_runs ON DELETE RESTRICT,
  created_at timestamptz NOT NULL DEFAULT now(), FOREIGN KEY (source_id, roaster_id) REFERENCES product_sources (id, roaster_id) ON DELETE RESTRICT);
CREATE TABLE scrape_artifacts (id uuid PRIMARY KEY, run_id uuid REFERENCES scrape_runs ON DELETE RESTRICT, source_id uuid NOT NULL, roaster_id uuid NOT NULL, url text NOT NULL, page int NOT NULL DEFAULT 1,
  observed_at timestamptz NOT NULL, observed_at_source text NOT NULL CHECK (observed_at_source IN ('response','recorded','manifest','payload_max_updated_at')),
  partition_date date GENERATED ALWAYS AS ((observed_at AT TIME ZONE 'UTC')::date) STORED, capture_id uuid NOT NULL, completeness text NOT NULL CHECK (completeness IN ('complete','partial','filtered','unknown','not_modified')),
  http_status int, headers jsonb NOT NULL DEFAULT '{}', body_sha256 char(64) NOT NULL, body_len bigint NOT NULL, storage_uri text NOT NULL, validation_status validation_status_enum NOT NULL DEFAULT 'pending',
  validation_errors jsonb NOT NULL DEFAULT '[]', normalizer_version text, processed_at timestamptz, superseded_by uuid REFERENCES scrape_artifacts ON DELETE RESTRICT, created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (source_id, roaster_id) REFERENCES product_sources (id, roaster_id) ON DELETE RESTRICT, UNIQUE (source_id, url, observed_at, body_sha256));
CREATE TABLE product_artifacts (id uuid PRIMARY KEY, artifact_id uuid NOT NULL REFERENCES scrape_artifacts ON DELETE RESTRICT, source_id uuid NOT NULL, roaster_id uuid NOT NULL, product_index int NOT NULL,
  platform_product_id text NOT NULL, observed_at timestamptz NOT NULL, raw_payload_hash char(64) NOT NULL, product_hash char(64) NOT NULL, content_hash char(64) NOT NULL, price_hash char(64) NOT NULL,
  normalized jsonb NOT NULL, validation_status validation_status_enum NOT NULL, codes text[] NOT NULL DEFAULT '{}', transform_version text NOT NULL, normalizer_version text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (source_id, roaster_id) REFERENCES product_sources (id, roaster_id) ON DELETE RESTRICT, UNIQUE (source_id, platform_product_id, observed_at));
CREATE TABLE variant_observations (product_artifact_id uuid NOT NULL REFERENCES product_artifacts ON DELETE RESTRICT, platform_variant_id text NOT NULL, price numeric(12,3) CHECK (price > 0), currency char(3) NOT NULL,
  compare_at_price numeric(12,3), price_from text NOT NULL CHECK (price_from IN ('variant','parent_uniform','none')), in_stock boolean, stock_qty int, sku text, title text, options jsonb NOT NULL DEFAULT '[]', weight_g int CHECK (weight_g BETWEEN 10 AND 5000),
  pack_count int NOT NULL DEFAULT 1 CHECK (pack_count > 0), grind grind_enum, grind_raw text, subscription_available boolean NOT NULL DEFAULT false, codes text[] NOT NULL DEFAULT '{}', PRIMARY KEY (product_artifact_id, platform_variant_id));
CREATE TABLE coffees (id uuid PRIMARY KEY, source_id uuid NOT NULL, roaster_id uuid NOT NULL, platform_product_id text NOT NULL, name text NOT NULL, slug text NOT NULL, product_kind text, is_coffee boolean, status coffee_status_enum NOT NULL,
  description_md text, direct_buy_url text, decaf boolean NOT NULL DEFAULT false, roast_level roast_level_enum, roast_level_raw text, process process_enum, process_raw text, bean_species species_enum, default_grind grind_enum, varieties text[], tags text[],
  region text, country char(2), altitude_min_m int, altitude_max_m int, notes_raw jsonb, source_raw jsonb NOT NULL DEFAULT '{}', first_seen_at timestamptz NOT NULL, last_seen_at timestamptz NOT NULL, observed_at timestamptz NOT NULL, backfill_run_id uuid,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), FOREIGN KEY (source_id, roaster_id) REFERENCES product_sources (id, roaster_id) ON DELETE RESTRICT,
  UNIQUE (source_id, platform_product_id), UNIQUE (roaster_id, slug) DEFERRABLE INITIALLY DEFERRED, UNIQUE (id, roaster_id));
CREATE TABLE variants (id uuid PRIMARY KEY, coffee_id uuid NOT NULL, roaster_id uuid NOT NULL, platform_variant_id text NOT NULL, sku text, title text, weight_g int, pack_count int NOT NULL DEFAULT 1, grind grind_enum, currency char(3) NOT NULL,
  price_current numeric(12,3), compare_at_price numeric(12,3), in_stock boolean, stock_qty int, subscription_available boolean NOT NULL DEFAULT false, status text NOT NULL DEFAULT 'active' CHECK (status IN ('active','missing','archived','review')),
  source_raw jsonb NOT NULL DEFAULT '{}', first_seen_at timestamptz NOT NULL, last_seen_at timestamptz NOT NULL, observed_at timestamptz NOT NULL, price_last_checked_at timestamptz, backfill_run_id uuid, created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(), FOREIGN KEY (coffee_id, roaster_id) REFERENCES coffees (id, roaster_id) ON DELETE RESTRICT, UNIQUE (coffee_id, platform_variant_id), UNIQUE (id, roaster_id));
CREATE TABLE prices (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, variant_id uuid NOT NULL, roaster_id uuid NOT NULL, price numeric(12,3) NOT NULL CHECK (price > 0), currency char(3) NOT NULL, compare_at_price numeric(12,3), is_sale boolean NOT NULL,
  scraped_at timestamptz NOT NULL, price_from text NOT NULL DEFAULT 'variant', artifact_id uuid REFERENCES scrape_artifacts ON DELETE RESTRICT, source_url text, backfill_run_id uuid, created_at timestamptz NOT NULL DEFAULT now(),
  FOREIGN KEY (variant_id, roaster_id) REFERENCES variants (id, roaster_id) ON DELETE RESTRICT, UNIQUE (variant_id, scraped_at), CHECK (is_sale = (compare_at_price IS NOT NULL AND compare_at_price > price)));
CREATE TABLE price_corrections (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, price_id bigint NOT NULL REFERENCES prices ON DELETE RESTRICT, voided boolean NOT NULL DEFAULT false, price numeric(12,3) CHECK (price > 0), currency char(3), compare_at_price numeric(12,3),
  reason text NOT NULL, transform_version text, backfill_run_id uuid NOT NULL REFERENCES backfill_runs ON DELETE RESTRICT, created_at timestamptz NOT NULL DEFAULT now(), CHECK (voided = (price IS NULL)), UNIQUE (price_id, backfill_run_id));
CREATE TABLE quarantine (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, roaster_id uuid NOT NULL REFERENCES roasters ON DELETE RESTRICT, day date NOT NULL, artifact_id uuid REFERENCES scrape_artifacts ON DELETE RESTRICT, platform_product_id text NOT NULL DEFAULT '', platform_variant_id text NOT NULL DEFAULT '',
  reason text NOT NULL, detail jsonb NOT NULL, state text NOT NULL DEFAULT 'open' CHECK (state IN ('open','released','rejected','superseded')), backfill_run_id uuid, created_at timestamptz NOT NULL DEFAULT now(), resolved_at timestamptz, UNIQUE (artifact_id, platform_product_id, platform_variant_id, reason));
CREATE TABLE field_overrides (coffee_id uuid NOT NULL REFERENCES coffees ON DELETE RESTRICT, field text NOT NULL, value jsonb NOT NULL, set_by text NOT NULL, set_at timestamptz NOT NULL, PRIMARY KEY (coffee_id, field));
CREATE TABLE partition_evidence (roaster_id uuid NOT NULL REFERENCES roasters ON DELETE RESTRICT, day date NOT NULL, state text NOT NULL CHECK (state IN ('expected_empty','unrecoverable')), reason text NOT NULL, evidence jsonb NOT NULL, recorded_at timestamptz NOT NULL, PRIMARY KEY (roaster_id, day));
CREATE TABLE validation_results (validation_run_id uuid NOT NULL REFERENCES backfill_runs ON DELETE RESTRICT, subject text NOT NULL, subject_id text NOT NULL, rule text NOT NULL, passed boolean NOT NULL, detail jsonb, PRIMARY KEY (validation_run_id, subject, subject_id, rule));
CREATE TABLE row_before_images (backfill_run_id uuid NOT NULL REFERENCES backfill_runs ON DELETE RESTRICT, table_name text NOT NULL, row_id text NOT NULL, before jsonb, after_digest text, PRIMARY KEY (backfill_run_id, table_name, row_id));
CREATE TABLE intake_control (id boolean PRIMARY KEY DEFAULT true CHECK (id), paused boolean NOT NULL DEFAULT false, reason text, paused_by text, paused_at timestamptz, alerts_muted_until timestamptz);
CREATE INDEX ON scrape_runs (source_id, started_at); CREATE INDEX ON scrape_runs (created_at); CREATE INDEX ON scrape_runs (roaster_id, partition_date); CREATE INDEX ON scrape_artifacts (run_id); CREATE INDEX ON scrape_artifacts (validation_status);
CREATE INDEX ON scrape_artifacts (roaster_id, partition_date); CREATE INDEX ON scrape_artifacts (body_sha256); CREATE INDEX ON product_artifacts (artifact_id); CREATE INDEX ON coffees (status, roaster_id); CREATE INDEX ON coffees (roaster_id); CREATE INDEX ON variants (coffee_id, in_stock);
CREATE INDEX ON variants (roaster_id, status); CREATE INDEX ON variants (price_last_checked_at); CREATE INDEX idx_prices_variant_scraped_at ON prices (variant_id, scraped_at DESC); CREATE INDEX ON prices (roaster_id, scraped_at); CREATE INDEX ON price_corrections (price_id); CREATE INDEX ON quarantine (state, roaster_id, day);
CREATE FUNCTION refuse_history_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '% on % is refused: history is never deleted or altered', TG_OP, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation', HINT = TG_ARGV[0]; END $$;
CREATE TRIGGER prices_immutable BEFORE UPDATE OR DELETE ON prices FOR EACH ROW EXECUTE FUNCTION refuse_history_change('add a price_corrections row instead');
CREATE TRIGGER prices_no_truncate BEFORE TRUNCATE ON prices FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change('add price_corrections rows instead');
CREATE TRIGGER runs_undeletable BEFORE DELETE ON scrape_runs FOR EACH ROW EXECUTE FUNCTION refuse_history_change('run the job coffee_supersede_failed');
CREATE TRIGGER artifacts_undeletable BEFORE DELETE ON scrape_artifacts FOR EACH ROW EXECUTE FUNCTION refuse_history_change('run the job coffee_supersede_failed');
CREATE VIEW effective_prices AS SELECT p.id, p.variant_id, p.roaster_id, p.scraped_at, COALESCE(c.price, p.price) AS price, COALESCE(c.currency, p.currency) AS currency,
  CASE WHEN c.price_id IS NULL THEN p.compare_at_price ELSE c.compare_at_price END AS compare_at_price, (c.price_id IS NOT NULL) AS corrected, p.artifact_id
  FROM prices p LEFT JOIN LATERAL (SELECT * FROM price_corrections x WHERE x.price_id = p.id ORDER BY x.id DESC LIMIT 1) c ON true WHERE NOT COALESCE(c.voided, false);
CREATE VIEW variant_latest_price AS SELECT DISTINCT ON (v.id) v.id AS variant_id, v.coffee_id, v.weight_g, v.grind, v.pack_count, e.currency, v.in_stock, COALESCE(e.compare_at_price > e.price, false) AS is_sale, e.compare_at_price, e.price AS price_one_time, e.scraped_at AS scraped_at_latest
  FROM variants v JOIN effective_prices e ON e.variant_id = v.id ORDER BY v.id, e.scraped_at DESC, e.id DESC;
CREATE VIEW coffee_summary AS SELECT c.id AS coffee_id, c.name, c.roaster_id, c.slug, c.status, c.is_coffee, c.product_kind, c.process, c.roast_level, c.direct_buy_url, count(v.id) FILTER (WHERE v.in_stock) AS in_stock_count, min(v.price_current) FILTER (WHERE v.in_stock) AS min_price_in_stock,
  round(min(v.price_current * 250 / NULLIF(v.weight_g * v.pack_count, 0)) FILTER (WHERE v.in_stock), 2) AS best_normalized_250g, COALESCE(bool_or(v.weight_g = 250), false) AS has_250g, array_agg(DISTINCT v.weight_g) FILTER (WHERE v.weight_g IS NOT NULL) AS weights_available
  FROM coffees c LEFT JOIN variants v ON v.coffee_id = c.id AND v.status <> 'archived' GROUP BY c.id;
