-- Failed runs point to the success that came after them. Parameters: ids (uuid[]), by (uuid[]).
UPDATE scrape_runs r SET superseded_by = s.by
FROM unnest(%(ids)s::uuid[], %(by)s::uuid[]) AS s (id, by)
WHERE r.id = s.id AND r.status = 'fail' AND r.superseded_by IS NULL;
