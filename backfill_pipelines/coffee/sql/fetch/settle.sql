-- Grain: a page of a capture that was read from the store while it was being fetched: completeness and run are ours.
-- Parameters: capture_id, completeness, run_id.
UPDATE scrape_artifacts SET completeness = %(completeness)s, run_id = %(run_id)s, processed_at = NULL
WHERE capture_id = %(capture_id)s AND (completeness, run_id) IS DISTINCT FROM (%(completeness)s, %(run_id)s)
