-- What was set aside of partitions that are held back leaves the staging.
DELETE FROM staged_rejected s USING staged_captures a
WHERE a.artifact_no = s.artifact_no AND a.partition = ANY(%(partitions)s);
