-- Captures whose instant lies on another day than their partition's.
SELECT partition, count(*), count(*) FILTER (WHERE (observed_at AT TIME ZONE 'UTC')::date <> day),
  (array_agg(artifact_id || ': ' || observed_at ORDER BY artifact_id)
    FILTER (WHERE (observed_at AT TIME ZONE 'UTC')::date <> day))[1:20]
FROM staged_captures GROUP BY partition;
