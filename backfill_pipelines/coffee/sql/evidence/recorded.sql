-- Grain: a day of a roaster of which somebody or a search has said why it is empty.
-- Parameters: roasters (uuid[]), first, last (date, both included).
SELECT roaster_id, day, state, reason, recorded_at
FROM partition_evidence
WHERE roaster_id = ANY (%(roasters)s) AND day BETWEEN %(first)s AND %(last)s;
