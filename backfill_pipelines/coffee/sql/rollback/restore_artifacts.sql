-- Captures that the run processed are as they were: a replay processes them again.
UPDATE scrape_artifacts a SET processed_at = (i.before ->> 'processed_at')::timestamptz,
  normalizer_version = i.before ->> 'normalizer_version'
FROM row_before_images i
WHERE i.backfill_run_id = %(undone)s::uuid AND i.table_name = 'scrape_artifacts' AND a.id = i.row_id::uuid
  AND NOT EXISTS (SELECT FROM product_artifacts p WHERE p.artifact_id = a.id AND i.before ->> 'processed_at' IS NULL);
