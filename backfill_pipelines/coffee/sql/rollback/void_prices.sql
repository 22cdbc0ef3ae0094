-- Price rows of the run are voided, unless a later run has corrected them: those stay as that run says.
INSERT INTO price_corrections (price_id, voided, reason, backfill_run_id)
SELECT p.id, true, 'rolled back', %(run)s::uuid
FROM prices p
WHERE p.backfill_run_id = %(undone)s::uuid
  AND NOT EXISTS (SELECT FROM price_corrections c WHERE c.price_id = p.id AND c.backfill_run_id <> %(undone)s::uuid)
  AND NOT COALESCE((SELECT c.voided FROM price_corrections c WHERE c.price_id = p.id ORDER BY c.id DESC LIMIT 1), false);
