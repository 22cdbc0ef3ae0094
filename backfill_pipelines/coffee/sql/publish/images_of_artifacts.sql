-- The captures that the run processes, as they were before.
INSERT INTO row_before_images (backfill_run_id, table_name, row_id, before)
SELECT %(run)s::uuid, 'scrape_artifacts', a.id::text,
  jsonb_build_object('processed_at', a.processed_at, 'normalizer_version', a.normalizer_version)
FROM staged_captures s
JOIN scrape_artifacts a ON a.id = s.artifact_id
WHERE a.processed_at IS NULL OR a.normalizer_version IS DISTINCT FROM s.normalizer_version
ON CONFLICT DO NOTHING;
