-- How far is each phase in each calendar year?
-- Grain: one row for each calendar year.
-- Corrected: a date counts as complete when every required table of the phase holds every expected key, not when
-- one table has a row; dates without anything to hold are counted apart as empty.
WITH dates AS (
  SELECT calendar_year, partition_date, phase, state
  FROM nba_reference.phase_states
  WHERE partition_date BETWEEN @start_date AND @end_date
),
counted AS (
  SELECT
    calendar_year AS year,
    COUNT(DISTINCT partition_date) AS total_dates,
    SUM(IF(phase = 'phase_2_raw' AND state <> 'expected_empty', 1, 0)) AS phase2_expected,
    SUM(IF(phase = 'phase_2_raw' AND state = 'complete', 1, 0)) AS phase2_complete,
    SUM(IF(phase = 'phase_2_raw' AND state = 'incomplete', 1, 0)) AS phase2_missing,
    SUM(IF(phase = 'phase_2_raw' AND state = 'expected_empty', 1, 0)) AS phase2_empty,
    SUM(IF(phase = 'phase_3_analytics' AND state <> 'expected_empty', 1, 0)) AS phase3_expected,
    SUM(IF(phase = 'phase_3_analytics' AND state = 'complete', 1, 0)) AS phase3_complete,
    SUM(IF(phase = 'phase_3_analytics' AND state = 'incomplete', 1, 0)) AS phase3_missing,
    SUM(IF(phase = 'phase_3_analytics' AND state = 'expected_empty', 1, 0)) AS phase3_empty,
    SUM(IF(phase = 'phase_4_precompute' AND state <> 'expected_empty', 1, 0)) AS phase4_expected,
    SUM(IF(phase = 'phase_4_precompute' AND state = 'complete', 1, 0)) AS phase4_complete,
    SUM(IF(phase = 'phase_4_precompute' AND state = 'incomplete', 1, 0)) AS phase4_missing,
    SUM(IF(phase = 'phase_4_precompute' AND state = 'expected_empty', 1, 0)) AS phase4_empty
  FROM dates
  GROUP BY calendar_year
)
SELECT
  year,
  total_dates,
  phase2_expected,
  phase2_complete,
  phase2_missing,
  phase2_empty,
  CAST(ROUND(SAFE_DIVIDE(100 * phase2_complete, phase2_expected), 2) AS NUMERIC) AS phase2_pct,
  phase3_expected,
  phase3_complete,
  phase3_missing,
  phase3_empty,
  CAST(ROUND(SAFE_DIVIDE(100 * phase3_complete, phase3_expected), 2) AS NUMERIC) AS phase3_pct,
  phase4_expected,
  phase4_complete,
  phase4_missing,
  phase4_empty,
  CAST(ROUND(SAFE_DIVIDE(100 * phase4_complete, phase4_expected), 2) AS NUMERIC) AS phase4_pct
FROM counted
ORDER BY year
