-- Which dates does phase 3 still have to build, and which of their tables?
-- Grain: one row for each schedule date on which a table of the phase is missing, partial or stale.
-- Corrected: distinct dates (the original gave one row for each game), every table of the phase instead of one, and
-- no anti-join that a single NULL empties. Exhibition dates are explained, so they are not here.
SELECT
  partition_date AS game_date,
  ARRAY_AGG(table_name ORDER BY position) AS tables_missing,
  ARRAY_AGG(state ORDER BY position) AS states
FROM nba_reference.partition_states
WHERE phase = 'phase_3_analytics'
  AND is_schedule_date
  AND NOT is_accounted
  AND partition_date BETWEEN @start_date AND @end_date
GROUP BY partition_date
ORDER BY game_date
