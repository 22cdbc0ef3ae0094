-- Grain: the pages of one capture; they wait to be processed again, as statuses and the expected set depend on it.
-- Parameters: capture_id, completeness.
UPDATE scrape_artifacts SET completeness = %(completeness)s, processed_at = NULL
WHERE capture_id = %(capture_id)s AND completeness NOT IN (%(completeness)s, 'not_modified')
RETURNING id
