-- Captures of a partition that is held back, under each gate that is red.
-- Parameters: partitions, gates (arrays of equal length), details (their texts), run.
INSERT INTO quarantine (roaster_id, day, artifact_id, reason, detail, backfill_run_id)
SELECT c.roaster_id, c.day, c.artifact_id, 'Q_GATE_' || g.gate, jsonb_build_object('gate', g.gate, 'why', g.detail),
  %(run)s::uuid
FROM unnest(%(partitions)s::text[], %(gates)s::text[], %(details)s::text[]) AS g (partition, gate, detail)
JOIN staged_captures c ON c.partition = g.partition
ON CONFLICT (artifact_id, platform_product_id, platform_variant_id, reason) DO UPDATE SET state = 'open',
  detail = excluded.detail, backfill_run_id = excluded.backfill_run_id, resolved_at = NULL
WHERE quarantine.state = 'superseded';
