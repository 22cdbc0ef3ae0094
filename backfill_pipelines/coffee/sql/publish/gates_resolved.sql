-- Red gates of earlier stagings of these captures, which are green now.
UPDATE quarantine q SET state = 'superseded', resolved_at = now()
FROM staged_captures c
WHERE q.artifact_id = c.artifact_id AND q.state = 'open'
  AND (q.reason LIKE 'Q_GATE_%' OR q.reason = 'Q_PRICE_CONFLICT');
