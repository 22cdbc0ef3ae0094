-- In which months are the gaps of each phase?
-- Grain: one row for each month and phase.
-- Corrected: over schedule dates and all required tables of the phase; the original looked at phase 3 alone.
WITH counted AS (
  SELECT
    FORMAT_DATE('%Y-%m', partition_date) AS month,
    phase,
    SUM(IF(state <> 'expected_empty', 1, 0)) AS expected,
    SUM(IF(state = 'complete', 1, 0)) AS complete,
    SUM(IF(state = 'incomplete', 1, 0)) AS missing
  FROM nba_reference.phase_states
  WHERE partition_date BETWEEN @start_date AND @end_date
  GROUP BY month, phase
)
SELECT
  month,
  phase,
  expected,
  complete,
  missing,
  CAST(ROUND(SAFE_DIVIDE(100 * complete, expected), 2) AS NUMERIC) AS completeness_pct
FROM counted
ORDER BY month, phase
