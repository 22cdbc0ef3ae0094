-- Captures of partitions that are held back leave the staging.
DELETE FROM staged_captures WHERE partition = ANY(%(partitions)s);
