-- Every write knows its run: a rollback finds the observations that a run added without an image of each.
ALTER TABLE product_artifacts ADD COLUMN backfill_run_id uuid;
CREATE INDEX ON product_artifacts (backfill_run_id);
-- Staged rows of a partition whose gates are red stay for inspection; the next staging of the partition replaces them.
CREATE TABLE staged_rows (backfill_run_id uuid NOT NULL REFERENCES backfill_runs ON DELETE RESTRICT,
  roaster_id uuid NOT NULL REFERENCES roasters ON DELETE RESTRICT, day date NOT NULL, artifact_id uuid NOT NULL,
  platform_product_id text NOT NULL, platform_variant_id text NOT NULL DEFAULT '', row jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON staged_rows (roaster_id, day);
