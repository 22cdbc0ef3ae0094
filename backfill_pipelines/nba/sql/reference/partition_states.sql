-- Grain: (table_name, partition_date): the state of every table of the catalog on every day of the loaded seasons,
-- by data alone: expected keys against the keys that are there. All coverage reports and phase gates stand on it.
-- A season is loaded when the schedule of one of its days is; days up to yesterday, league time.
-- is_schedule_date: coverage is stated over these dates only, never over calendar days without games. A day whose
-- schedule is not loaded counts too: nobody knows yet that it is without games, so it stays unexplained.
-- is_accounted: nothing is left to do: complete, quarantined, expected_empty with reason, or unrecoverable.
-- is_required: the next phase cannot do without the table; the other raw tables may be absent.
-- Inputs: catalog_tables, partition_keys, expected_partitions, calendar_days, expected_games, row_quarantine,
-- stale_partitions.
WITH days AS (
  SELECT
    partition_date,
    expected_games,
    exhibitions,
    schedule_loaded,
    MAX(IF(schedule_loaded OR expected_games + exhibitions > 0, 1, 0)) OVER (PARTITION BY season) AS season_loaded
  FROM nba_reference.calendar_days
  WHERE partition_date >= DATE '2021-10-19'
),
types AS (
  SELECT partition_date, STRING_AGG(game_type, ', ' ORDER BY game_type) AS game_types
  FROM (SELECT DISTINCT partition_date, game_type FROM nba_reference.expected_games)
  GROUP BY partition_date
),
counted AS (
  SELECT
    table_name,
    partition_date,
    CAST(SUM(is_expected) AS INT64) AS keys_expected,
    CAST(SUM(IF(is_expected = 1 AND row_count > 0, 1, 0)) AS INT64) AS keys_found,
    CAST(SUM(IF(is_expected = 1 AND row_count = 0 AND is_accepted = 1, 1, 0)) AS INT64) AS keys_accepted,
    CAST(SUM(row_count) AS INT64) AS row_count
  FROM nba_reference.partition_keys
  GROUP BY table_name, partition_date
),
set_aside AS (
  SELECT table_name, game_date, COUNT(*) AS rows_quarantined
  FROM nba_reference.row_quarantine
  WHERE game_date >= DATE '2021-10-19' AND resolved_at IS NULL
  GROUP BY table_name, game_date
),
open_repairs AS (
  SELECT DISTINCT table_name, partition_date
  FROM nba_reference.stale_partitions
  WHERE partition_date >= DATE '2021-10-19' AND resolved_at IS NULL
),
judged AS (
  SELECT
    t.table_name,
    t.phase,
    t.processor_name,
    t.is_required,
    t.position,
    x.partition_date,
    x.season,
    x.calendar_year,
    g.game_types,
    NOT d.schedule_loaded OR d.expected_games + d.exhibitions > 0 AS is_schedule_date,
    x.state_expected,
    x.reason,
    IFNULL(k.keys_expected, 0) AS keys_expected,
    IFNULL(k.keys_found, 0) AS keys_found,
    IFNULL(k.keys_accepted, 0) AS keys_accepted,
    IFNULL(k.row_count, 0) AS row_count,
    IFNULL(q.rows_quarantined, 0) AS rows_quarantined,
    s.table_name IS NOT NULL AS is_stale
  FROM nba_reference.expected_partitions AS x
  JOIN nba_reference.catalog_tables AS t ON t.table_name = x.table_name
  JOIN days AS d ON d.partition_date = x.partition_date
  LEFT JOIN types AS g ON g.partition_date = x.partition_date
  LEFT JOIN counted AS k ON k.table_name = x.table_name AND k.partition_date = x.partition_date
  LEFT JOIN set_aside AS q ON q.table_name = x.table_name AND q.game_date = x.partition_date
  LEFT JOIN open_repairs AS s ON s.table_name = x.table_name AND s.partition_date = x.partition_date
  -- Five hours after midnight UTC the day has ended in New York, in winter and in summer.
  WHERE d.season_loaded = 1 AND x.partition_date < CAST(TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 5 HOUR) AS DATE)
),
named AS (
  SELECT
    *,
    CASE
      -- A moved game leaves a date that expects nothing any more and still has its rows.
      WHEN is_stale AND (state_expected = 'expected_empty' OR keys_found + keys_accepted >= keys_expected) THEN 'stale'
      WHEN state_expected = 'expected_empty' THEN 'expected_empty'
      -- The schedule has no expected games on All-Star days, and has rows nevertheless.
      WHEN keys_expected = 0 AND table_name = 'nba_raw.nbac_schedule' AND row_count > 0 THEN 'complete'
      -- Without expected keys nothing proves that the rows are all there.
      WHEN keys_expected = 0 THEN IF(row_count > 0, 'partial', 'missing')
      WHEN keys_found < keys_expected AND keys_found + keys_accepted >= keys_expected THEN 'unrecoverable'
      WHEN keys_found = 0 THEN 'missing'
      WHEN keys_found < keys_expected THEN 'partial'
      WHEN rows_quarantined > 0 THEN 'quarantined'
      ELSE 'complete'
    END AS state
  FROM judged
)
SELECT
  *,
  state NOT IN ('missing', 'partial', 'stale') AS is_accounted
FROM named
