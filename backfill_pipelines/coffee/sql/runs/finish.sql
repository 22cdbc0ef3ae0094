-- Grain: one run that has not ended; the first ending counts. Parameters: id, status, finished_at, stats, error_code, error.
UPDATE scrape_runs SET status = %(status)s, finished_at = %(finished_at)s, stats_json = %(stats)s,
  error_code = %(error_code)s, error = %(error)s, lease_until = NULL
WHERE id = %(id)s AND status IS NULL
