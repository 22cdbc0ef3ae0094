-- Captures of days that are held back, under each gate that is red; a row that a person has judged is left as judged. A
-- validation sets nothing aside, nor does a backfill of some products or sources, which does not judge a day.
-- Parameters: run (uuid); roasters, days, gates, details: arrays of equal length.
INSERT INTO quarantine (roaster_id, day, artifact_id, reason, detail, backfill_run_id)
SELECT a.roaster_id, a.partition_date, a.id, 'Q_GATE_' || g.gate, jsonb_build_object('gate', g.gate, 'why', g.detail), r.id
FROM unnest(%(roasters)s::uuid[], %(days)s::date[], %(gates)s::text[], %(details)s::text[])
  AS g (roaster_id, day, gate, detail)
JOIN backfill_runs r ON r.id = %(run)s::uuid AND r.mode <> 'validation'
  AND COALESCE(r.scope -> 'product_ids', '[]') = '[]' AND COALESCE(r.scope -> 'sources', '[]') = '[]'
JOIN scrape_artifacts a ON a.roaster_id = g.roaster_id AND a.partition_date = g.day
  AND a.superseded_by IS NULL AND a.validation_status <> 'superseded'
ON CONFLICT (artifact_id, platform_product_id, platform_variant_id, reason) DO UPDATE SET state = 'open',
  detail = excluded.detail, backfill_run_id = excluded.backfill_run_id, resolved_at = NULL
WHERE quarantine.state = 'superseded';
