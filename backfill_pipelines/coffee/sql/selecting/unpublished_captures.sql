-- Captures that were never published, and what was set aside of them: their day is left to a backfill of the whole.
WITH dropped AS (
  DELETE FROM staged_captures c
  WHERE NOT EXISTS (SELECT FROM scrape_artifacts a WHERE a.id = c.artifact_id AND a.processed_at IS NOT NULL)
  RETURNING artifact_no
)
DELETE FROM staged_rejected r USING dropped WHERE r.artifact_no = dropped.artifact_no;
