-- Invalid artifacts point to the one that came after them. Parameters: ids (uuid[]), by (uuid[]).
UPDATE scrape_artifacts a SET superseded_by = s.by, validation_status = 'superseded'
FROM unnest(%(ids)s::uuid[], %(by)s::uuid[]) AS s (id, by)
WHERE a.id = s.id AND a.validation_status = 'invalid' AND a.superseded_by IS NULL;
