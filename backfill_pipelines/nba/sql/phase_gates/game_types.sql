-- Grain: game type: expected games of a range, and how many of them are in every required table of phase 3.
-- A hole that is accepted counts as had. A type that is missing altogether has no row.
WITH tables AS (
  SELECT table_name FROM nba_reference.catalog_tables WHERE phase = 'phase_3_analytics' AND is_required
),
found AS (
  SELECT k.key, SUM(IF(k.row_count > 0 OR k.is_accepted = 1, 1, 0)) AS tables
  FROM nba_reference.partition_keys AS k
  JOIN tables AS t ON t.table_name = k.table_name
  WHERE k.is_expected = 1 AND k.partition_date BETWEEN @start_date AND @end_date
  GROUP BY k.key
),
needed AS (
  SELECT COUNT(*) AS tables FROM tables
)
SELECT
  e.game_type,
  COUNT(*) AS games,
  SUM(IF(IFNULL(f.tables, 0) = n.tables, 1, 0)) AS complete
FROM nba_reference.expected_games AS e
CROSS JOIN needed AS n
LEFT JOIN found AS f ON f.key = e.game_id
WHERE e.partition_date BETWEEN @start_date AND @end_date
GROUP BY e.game_type
ORDER BY e.game_type
