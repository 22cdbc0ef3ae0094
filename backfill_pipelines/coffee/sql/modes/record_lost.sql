-- A day that was searched for in vain after its window had closed. What a person has said of the day stays.
-- Parameters: roaster (uuid), day, reason, evidence (jsonb), searched_at.
INSERT INTO partition_evidence AS known (roaster_id, day, state, reason, evidence, recorded_at)
VALUES (%(roaster)s, %(day)s, 'unrecoverable', %(reason)s, %(evidence)s, %(searched_at)s)
ON CONFLICT (roaster_id, day) DO UPDATE SET reason = excluded.reason, evidence = excluded.evidence,
  recorded_at = excluded.recorded_at
WHERE known.state = 'unrecoverable';
