-- Grain: one source whose shop answered. Parameters: source_id, at.
UPDATE product_sources SET last_ok_ping = GREATEST(last_ok_ping, %(at)s) WHERE id = %(source_id)s
