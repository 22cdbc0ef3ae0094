-- How fast does the work go, and when will it be done?
-- Grain: one row for each hour (UTC) in which a date became complete.
-- It measures the phase that is worked on: the first one with incomplete dates, or the last one when all are done.
-- A date is complete in the hour in which the last of its tables first succeeded, and only if it is complete by data.
-- Corrected: whole dates instead of one processor's runs; the average is over three hours of the clock, idle ones
-- included, where the original averaged over the last three rows.
WITH dates AS (
  SELECT phase, partition_date, state
  FROM nba_reference.phase_states
  WHERE partition_date BETWEEN @start_date AND @end_date
),
worked_on AS (
  SELECT IFNULL(MIN(IF(state = 'incomplete', phase, NULL)), MAX(phase)) AS phase
  FROM dates
),
goal AS (
  SELECT SUM(IF(d.state IN ('complete', 'incomplete'), 1, 0)) AS dates_to_complete
  FROM dates AS d
  JOIN worked_on AS w ON w.phase = d.phase
),
first_success AS (
  SELECT h.processor_name, h.data_date, MIN(h.processed_at) AS succeeded_at
  FROM nba_reference.processor_run_history AS h
  WHERE h.data_date BETWEEN @start_date AND @end_date AND h.success
  GROUP BY h.processor_name, h.data_date
),
completions AS (
  SELECT d.partition_date, MAX(f.succeeded_at) AS completed_at
  FROM dates AS d
  JOIN worked_on AS w ON w.phase = d.phase
  JOIN nba_reference.catalog_tables AS t ON t.phase = d.phase AND t.is_required
  JOIN first_success AS f ON f.processor_name = t.processor_name AND f.data_date = d.partition_date
  WHERE d.state = 'complete'
  GROUP BY d.partition_date
),
hours AS (
  SELECT
    TIMESTAMP_TRUNC(completed_at, HOUR) AS hour,
    DIV(UNIX_MICROS(TIMESTAMP_TRUNC(completed_at, HOUR)), 3600000000) AS hour_number,
    COUNT(*) AS dates_completed
  FROM completions
  GROUP BY hour, hour_number
),
rated AS (
  SELECT
    hour,
    dates_completed,
    SUM(dates_completed) OVER (ORDER BY hour_number) AS cumulative_completed,
    SAFE_DIVIDE(
      SUM(dates_completed) OVER (ORDER BY hour_number RANGE BETWEEN 2 PRECEDING AND CURRENT ROW),
      LEAST(3, hour_number - MIN(hour_number) OVER () + 1)
    ) AS hourly
  FROM hours
)
SELECT
  r.hour,
  r.dates_completed,
  r.cumulative_completed,
  CAST(ROUND(r.hourly, 2) AS NUMERIC) AS rolling_avg_3h,
  CAST(ROUND(SAFE_DIVIDE(g.dates_to_complete - r.cumulative_completed, r.hourly), 2) AS NUMERIC) AS eta_hours
FROM rated AS r
CROSS JOIN goal AS g
ORDER BY r.hour
