-- Grain: one run that has not ended. Parameters: id, lease_seconds.
UPDATE scrape_runs SET heartbeat_at = now(), lease_until = now() + make_interval(secs => %(lease_seconds)s)
WHERE id = %(id)s AND status IS NULL
