-- The latest verdict of every gate and partition of an asset, counted: green, red and blocking, red and advisory.
WITH latest AS (
  SELECT
    passed, blocking,
    ROW_NUMBER() OVER (PARTITION BY gate, partition_date ORDER BY measured_at DESC, run_id) AS newest
  FROM nba_reference.gate_verdicts
  WHERE partition_date BETWEEN @start_date AND @end_date
    AND partition_date IN (SELECT day FROM UNNEST(@partitions) AS day)
    AND asset_key = @asset_key
)
SELECT
  COUNTIF(passed) AS passed,
  COUNTIF(NOT passed AND blocking) AS red,
  COUNTIF(NOT passed AND NOT blocking) AS advisory
FROM latest
WHERE newest = 1
