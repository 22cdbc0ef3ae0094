-- What was set aside while deriving; a row that a person has judged is left as judged, one that was no more is again.
INSERT INTO quarantine (roaster_id, day, artifact_id, platform_product_id, platform_variant_id, reason, detail,
  backfill_run_id)
SELECT DISTINCT ON (a.artifact_id, r.platform_product_id, r.platform_variant_id, r.reason)
  a.roaster_id, a.day, a.artifact_id, r.platform_product_id, r.platform_variant_id, r.reason, r.detail, %(run)s::uuid
FROM staged_rejected r
JOIN staged_captures a USING (artifact_no)
ORDER BY a.artifact_id, r.platform_product_id, r.platform_variant_id, r.reason
ON CONFLICT (artifact_id, platform_product_id, platform_variant_id, reason) DO UPDATE SET state = 'open',
  detail = excluded.detail, backfill_run_id = excluded.backfill_run_id, resolved_at = NULL
WHERE quarantine.state = 'superseded';
