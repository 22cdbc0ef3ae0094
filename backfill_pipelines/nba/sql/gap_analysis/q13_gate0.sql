-- Is phase 2 complete, so that phase 3 may start?
-- Grain: one row for each loaded season, and one over all of them.
-- The part of the phase gate that is about dates; the gate itself also looks at failures, values and duplicates.
-- Corrected: every required table and key instead of one table's rows; explained dates count as accounted.
-- Almost ready (95 % or more) is shown and is still red.
WITH dates AS (
  SELECT season, IF(state = 'incomplete', 0, 1) AS is_accounted
  FROM nba_reference.phase_states
  WHERE phase = 'phase_2_raw' AND partition_date BETWEEN @start_date AND @end_date
),
counted AS (
  SELECT season, COUNT(*) AS total_dates, SUM(is_accounted) AS accounted
  FROM dates
  GROUP BY season
  UNION ALL
  SELECT 'all loaded seasons', COUNT(*), IFNULL(SUM(is_accounted), 0)
  FROM dates
)
SELECT
  season,
  total_dates,
  accounted,
  total_dates - accounted AS unexplained,
  CAST(ROUND(SAFE_DIVIDE(100 * accounted, total_dates), 2) AS NUMERIC) AS completeness_pct,
  CASE
    WHEN total_dates = 0 THEN 'PHASE 2 INCOMPLETE - CANNOT START: no date is loaded'
    WHEN accounted = total_dates THEN 'READY TO START'
    WHEN 100 * accounted >= 95 * total_dates THEN 'PHASE 2 INCOMPLETE - CANNOT START: almost ready'
    ELSE 'PHASE 2 INCOMPLETE - CANNOT START'
  END AS gate_status
FROM counted
ORDER BY season
