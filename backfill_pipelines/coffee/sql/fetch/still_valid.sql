-- Grain: a URL with its query whose validators were confirmed. Parameters: urls (text[]), checked_at.
UPDATE http_validators SET checked_at = %(checked_at)s WHERE url = ANY (%(urls)s)
