-- How complete is each of the ten tables of phases 3 and 4, against its own expected set?
-- Grain: one row for each table, over schedule dates.
-- complete includes dates with rows set aside; an unrecoverable or stale date is expected and in no other column.
-- Corrected: expected keys of the table itself; the original compared dates that have any row with one list.
WITH counted AS (
  SELECT
    table_name,
    position,
    SUM(IF(state <> 'expected_empty', 1, 0)) AS expected_dates,
    SUM(IF(state IN ('complete', 'quarantined'), 1, 0)) AS complete,
    SUM(IF(state = 'partial', 1, 0)) AS partial,
    SUM(IF(state = 'missing', 1, 0)) AS missing,
    SUM(IF(state = 'expected_empty', 1, 0)) AS empty
  FROM nba_reference.partition_states
  WHERE phase IN ('phase_3_analytics', 'phase_4_precompute')
    AND is_schedule_date
    AND partition_date BETWEEN @start_date AND @end_date
  GROUP BY table_name, position
)
SELECT
  table_name,
  expected_dates,
  complete,
  partial,
  missing,
  empty,
  CAST(ROUND(SAFE_DIVIDE(100 * complete, expected_dates), 2) AS NUMERIC) AS completeness_pct
FROM counted
ORDER BY position
