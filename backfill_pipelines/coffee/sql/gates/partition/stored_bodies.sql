-- Bodies whose bytes, as read, have another hash than the one recorded when they were stored.
SELECT partition, count(*) AS expected, count(*) FILTER (WHERE body_sha256_found <> body_sha256) AS violations,
  (array_agg(artifact_id || ' ' || url ORDER BY artifact_id) FILTER (WHERE body_sha256_found <> body_sha256))[1:20]
FROM staged_captures GROUP BY partition;
