-- Rows kept of earlier stagings of these partitions make way for what is staged now.
DELETE FROM staged_rows r USING staged_captures a WHERE r.roaster_id = a.roaster_id AND r.day = a.day;
