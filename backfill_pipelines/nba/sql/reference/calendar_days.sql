-- Grain: one row for each day of a season window, and what the schedule says about it.
-- Inputs: seasons, nbac_schedule, processor_run_history (has the day's schedule been loaded at all?).
WITH finals AS (
  SELECT
    game_date,
    COUNTIF(game_type IN ('regular_season', 'play_in', 'playoff')) AS expected_games,
    COUNTIF(game_type = 'all_star') AS exhibitions,
    COUNTIF(game_type = 'cup_final') AS cup_finals
  FROM nba_raw.nbac_schedule
  WHERE game_date >= DATE '2021-10-19' AND game_status = 3 AND NOT is_postponed
  GROUP BY game_date
),
loads AS (
  SELECT data_date, success, ROW_NUMBER() OVER (PARTITION BY data_date ORDER BY processed_at DESC, attempt DESC) AS newest
  FROM nba_reference.processor_run_history
  WHERE data_date >= DATE '2021-10-19' AND processor_name = 'NbacScheduleProcessor'
)
SELECT
  day AS partition_date,
  s.season,
  s.season_year,
  EXTRACT(YEAR FROM day) AS calendar_year,
  IFNULL(l.success, FALSE) AS schedule_loaded,
  IFNULL(f.expected_games, 0) AS expected_games,
  IFNULL(f.exhibitions, 0) AS exhibitions,
  IFNULL(f.cup_finals, 0) AS cup_finals,
  -- Phase 4 looks back over games of the season: it begins on the fifteenth day.
  DATE_DIFF(day, s.opening, DAY) < 14 AS is_bootstrap,
  CASE
    WHEN f.expected_games > 0 THEN NULL
    WHEN f.exhibitions > 0 THEN 'exhibition_only'
    WHEN f.cup_finals > 0 THEN 'excluded_competition'
    ELSE 'no_games'
  END AS empty_reason
FROM nba_reference.seasons AS s
CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(s.opening, s.closing)) AS day
LEFT JOIN finals AS f ON f.game_date = day
LEFT JOIN loads AS l ON l.data_date = day AND l.newest = 1
WHERE s.opening >= DATE '2021-10-19'
