-- The newest expected date of a range of which every required raw table is complete; NULL without one.
SELECT MAX(partition_date) AS smoke_date
FROM (
  SELECT partition_date
  FROM nba_reference.partition_states
  WHERE phase = 'phase_2_raw'
    AND is_required
    AND is_schedule_date
    AND partition_date BETWEEN @start_date AND @end_date
  GROUP BY partition_date
  HAVING SUM(IF(state IN ('complete', 'quarantined'), 0, 1)) = 0
)
