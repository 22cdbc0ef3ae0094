-- Rows of the quarantine get what a person has decided; what nothing says any more is decided no more.
-- Parameters: ids (bigint[]), state, by, why, at (timestamptz).
UPDATE quarantine SET state = %(state)s, resolved_at = %(at)s,
  detail = detail || jsonb_build_object('judged', jsonb_build_object('by', %(by)s::text, 'why', %(why)s::text))
WHERE id = ANY (%(ids)s) AND state <> 'superseded' AND state <> %(state)s
RETURNING id;
