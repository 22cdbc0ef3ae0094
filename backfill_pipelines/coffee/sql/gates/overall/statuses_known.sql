-- Artifacts pending for more than an hour, and runs that ended without a status. Captures of a day with a red gate stay
-- pending; one that a person has rejected is known.
WITH unknown AS (
  SELECT 'artifact ' || a.id AS culprit FROM scrape_artifacts a
  WHERE validation_status = 'pending' AND superseded_by IS NULL AND created_at < now() - interval '1 hour'
    AND NOT EXISTS (SELECT FROM quarantine q
      WHERE q.artifact_id = a.id AND q.state = 'rejected' AND starts_with(q.reason, 'Q_GATE_'))
  UNION ALL
  SELECT 'run ' || id FROM scrape_runs WHERE status IS NULL AND lease_until < now()
)
SELECT (SELECT count(*) FROM scrape_artifacts) + (SELECT count(*) FROM scrape_runs), count(*),
  (array_agg(culprit ORDER BY culprit))[1:20]
FROM unknown;
