-- Observations get the codes that their predecessors give them, and the status that follows from all their codes.
UPDATE product_artifacts p SET codes = j.own_codes || j.codes,
  validation_status = (CASE
    WHEN p.validation_status = 'invalid' THEN 'invalid'
    WHEN j.codes <> '{}' OR s.worst = 'R' THEN 'needs_review'
    WHEN s.worst = 'W' THEN 'valid_with_warnings' ELSE 'valid' END)::validation_status_enum
FROM judged j
CROSS JOIN LATERAL (
  SELECT min(left(x, 1)) AS worst FROM (
    SELECT unnest(j.own_codes) AS x
    UNION ALL SELECT unnest(o.codes) FROM variant_observations o WHERE o.product_artifact_id = j.id) said
) s
WHERE p.id = j.id AND p.codes <> j.own_codes || j.codes
RETURNING p.artifact_id;
