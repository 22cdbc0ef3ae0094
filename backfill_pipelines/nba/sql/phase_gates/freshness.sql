-- One row: the newest expected date of a range, the newest that is complete in phases 3 and 4, game dates after it.
WITH dates AS (
  SELECT
    partition_date,
    MIN(IF(state IN ('complete', 'expected_empty', 'unrecoverable'), 1, 0)) AS is_complete
  FROM nba_reference.phase_states
  WHERE phase IN ('phase_3_analytics', 'phase_4_precompute') AND partition_date BETWEEN @start_date AND @end_date
  GROUP BY partition_date
),
newest AS (
  SELECT MAX(partition_date) AS expected, MAX(IF(is_complete = 1, partition_date, NULL)) AS complete FROM dates
)
SELECT
  n.expected,
  n.complete,
  SUM(IF(n.complete IS NULL OR d.partition_date > n.complete, 1, 0)) AS dates_behind
FROM dates AS d
CROSS JOIN newest AS n
GROUP BY n.expected, n.complete
