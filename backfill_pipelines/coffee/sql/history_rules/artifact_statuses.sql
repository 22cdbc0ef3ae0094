-- The status of captures that were judged anew: the worst of their products and of their own codes; a product that is
-- set aside asks for a review as well.
-- Parameter: artifacts, their ids.
UPDATE scrape_artifacts a SET validation_status = w.status
FROM (
  SELECT a.id, (CASE
      WHEN bool_or(p.validation_status = 'needs_review') OR bool_or(e.code LIKE 'R\_%%')
        OR bool_or(q.id IS NOT NULL) THEN 'needs_review'
      WHEN bool_or(p.validation_status = 'valid_with_warnings') OR bool_or(e.code LIKE 'W\_%%') THEN 'valid_with_warnings'
      ELSE 'valid' END)::validation_status_enum AS status
  FROM scrape_artifacts a
  LEFT JOIN product_artifacts p ON p.artifact_id = a.id
  LEFT JOIN quarantine q ON q.artifact_id = a.id AND q.platform_variant_id = '' AND q.state <> 'superseded'
  LEFT JOIN LATERAL (SELECT x ->> 'code' AS code FROM jsonb_array_elements(a.validation_errors) x) e ON true
  WHERE a.id = ANY(%(artifacts)s) GROUP BY a.id
) w
WHERE a.id = w.id AND a.validation_status NOT IN ('invalid', 'superseded') AND a.validation_status <> w.status;
