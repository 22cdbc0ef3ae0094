-- Grain: a file that says that something failed; the same bytes again change nothing.
-- Parameters: roaster_id, day, detail (with file and sha256).
INSERT INTO quarantine (roaster_id, day, reason, detail)
SELECT %(roaster_id)s, %(day)s, 'Q_LEGACY_FAILURE', %(detail)s::jsonb
WHERE NOT EXISTS (
  SELECT FROM quarantine
  WHERE roaster_id = %(roaster_id)s AND reason = 'Q_LEGACY_FAILURE' AND detail ->> 'sha256' = %(detail)s::jsonb ->> 'sha256')
