-- Where does each phase stand now?
-- Grain: one row for each phase.
-- Corrected: sets of dates instead of differences of counts. accounted: complete, unrecoverable or rightly empty;
-- pct_complete is the share of accounted dates, so it reaches 100 although bootstrap dates stay empty.
WITH counted AS (
  SELECT
    phase,
    COUNT(*) AS total_dates,
    SUM(IF(state = 'incomplete', 0, 1)) AS accounted,
    SUM(IF(state = 'complete', 1, 0)) AS complete,
    SUM(IF(state = 'incomplete', 1, 0)) AS remaining
  FROM nba_reference.phase_states
  WHERE partition_date BETWEEN @start_date AND @end_date
  GROUP BY phase
)
SELECT
  phase,
  total_dates,
  accounted,
  complete,
  remaining,
  CAST(ROUND(SAFE_DIVIDE(100 * accounted, total_dates), 2) AS NUMERIC) AS pct_complete,
  CASE
    WHEN remaining = 0 THEN 'COMPLETE'
    WHEN 4 * accounted >= 3 * total_dates THEN '75%+'
    WHEN 2 * accounted >= total_dates THEN '50%+'
    WHEN 4 * accounted >= total_dates THEN '25%+'
    ELSE 'Just Started'
  END AS status
FROM counted
ORDER BY phase
