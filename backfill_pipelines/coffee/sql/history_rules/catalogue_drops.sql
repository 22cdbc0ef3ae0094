-- Captures of a source that are treated as partial because the catalogue shrank say so, and only those.
UPDATE scrape_artifacts a SET validation_errors = e.others || CASE WHEN f.has_dropped
  THEN jsonb_build_array(jsonb_build_object('code', 'R_CATALOGUE_DROP', 'products', f.products)) ELSE '[]' END
FROM folded_captures f
JOIN scrape_artifacts s ON s.source_id = f.source_id AND s.capture_id = f.capture_id
CROSS JOIN LATERAL (
  SELECT COALESCE(jsonb_agg(x) FILTER (WHERE x ->> 'code' IS DISTINCT FROM 'R_CATALOGUE_DROP'), '[]') AS others,
    COALESCE(bool_or(x ->> 'code' = 'R_CATALOGUE_DROP'), false) AS says_so
  FROM jsonb_array_elements(s.validation_errors) x
) e
WHERE a.id = s.id AND e.says_so <> f.has_dropped
RETURNING a.id;
