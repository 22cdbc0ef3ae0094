-- Grain: an expected tick of a source: the runbook's gap query, of the ticks that ought to be instead of the days that
-- happen to be there. Parameters: first, last (date, both included). The temporary table expected_ticks has the ticks.
SELECT t.roaster_id, t.source_id, t.day, t.tick, t.kind,
  CASE WHEN count(a.id) = 0 THEN 'missing'
    WHEN bool_or(a.completeness IN ('complete', 'not_modified')) THEN 'complete' ELSE 'partial' END AS coverage
FROM expected_ticks t
LEFT JOIN scrape_artifacts a ON a.source_id = t.source_id AND a.observed_at BETWEEN t.window_start AND t.window_end
  AND a.superseded_by IS NULL AND a.processed_at IS NOT NULL
  AND a.validation_status IN ('valid', 'valid_with_warnings', 'needs_review')
WHERE t.day BETWEEN %(first)s AND %(last)s
GROUP BY t.roaster_id, t.source_id, t.day, t.tick, t.kind
ORDER BY t.roaster_id, t.source_id, t.tick;
