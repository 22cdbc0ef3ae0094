-- Products of partitions that are held back leave the staging.
DELETE FROM staged_products s USING staged_captures a
WHERE a.artifact_no = s.artifact_no AND a.partition = ANY(%(partitions)s);
