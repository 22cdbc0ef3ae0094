-- Staged partitions of which a person has released every capture from a gate, and who that was.
-- Parameter: gate.
SELECT c.partition, string_agg(DISTINCT concat_ws(': ', q.detail #>> '{judged,by}', q.detail #>> '{judged,why}'), '; ')
FROM staged_captures c
LEFT JOIN quarantine q ON q.artifact_id = c.artifact_id AND q.platform_product_id = '' AND q.platform_variant_id = ''
  AND q.reason = 'Q_GATE_' || %(gate)s AND q.state = 'released'
GROUP BY c.partition HAVING bool_and(q.id IS NOT NULL);
