-- Grain: (analysis_date, player_lookup): every player with at least five counted games of the season before the date.
-- Inputs: player_game_summary and player_lines of the season, strictly before the date; espn_team_rosters up to the
-- date; calendar_days. A player stands on his last games from the day after a game to the day of his next one.
WITH dates AS (
  SELECT partition_date AS analysis_date, season_year
  FROM nba_reference.calendar_days
  WHERE partition_date BETWEEN @start_date AND @end_date AND expected_games > 0 AND NOT is_bootstrap
),
-- A season window has at most 253 days.
games AS (
  SELECT *
  FROM nba_analytics.player_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE)
    AND game_date < @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
),
-- Games without play-by-play have no zones; sums pass over them.
states AS (
  SELECT
    player_lookup,
    universal_player_id,
    season_year,
    game_date,
    LEAD(game_date) OVER played AS next_game_date,
    COUNT(*) OVER so_far AS games,
    COUNT(*) OVER last_10 AS sample_10,
    COUNT(*) OVER last_20 AS sample_20,
    COUNT(paint_attempts) OVER last_10 AS zone_games,
    SUM(paint_attempts) OVER last_10 AS paint_attempts,
    SUM(paint_makes) OVER last_10 AS paint_makes,
    SUM(mid_range_attempts) OVER last_10 AS mid_range_attempts,
    SUM(mid_range_makes) OVER last_10 AS mid_range_makes,
    SUM(three_attempts_pbp) OVER last_10 AS three_attempts,
    SUM(three_makes_pbp) OVER last_10 AS three_makes,
    SUM(assisted_fg_makes) OVER last_10 AS assisted,
    SUM(unassisted_fg_makes) OVER last_10 AS unassisted,
    SUM(IF(paint_attempts IS NULL, NULL, fg_makes)) OVER last_10 AS makes,
    SUM(paint_attempts) OVER last_20 AS paint_attempts_20,
    SUM(paint_makes) OVER last_20 AS paint_makes_20,
    SUM(paint_attempts + mid_range_attempts + three_attempts_pbp) OVER last_20 AS shots_20,
    SUM(IF(is_production_ready, 0, 1)) OVER last_10 AS not_ready
  FROM games
  WINDOW
    played AS (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id),
    so_far AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ),
    last_10 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW
    ),
    last_20 AS (
      PARTITION BY season_year, player_lookup ORDER BY game_date, game_id ROWS BETWEEN 19 PRECEDING AND CURRENT ROW
    )
),
-- What a state says is the same on every day that it holds: computed once, then dealt to the days.
rated AS (
  SELECT
    *,
    IFNULL(paint_attempts + mid_range_attempts + three_attempts, 0) AS shots,
    CAST(
      ROUND(
        SAFE_DIVIDE(100 * CAST(paint_attempts AS FLOAT64), paint_attempts + mid_range_attempts + three_attempts), 2
      ) AS NUMERIC
    ) AS paint_rate,
    CAST(
      ROUND(
        SAFE_DIVIDE(100 * CAST(mid_range_attempts AS FLOAT64), paint_attempts + mid_range_attempts + three_attempts), 2
      ) AS NUMERIC
    ) AS mid_range_rate,
    CAST(
      ROUND(
        SAFE_DIVIDE(100 * CAST(three_attempts AS FLOAT64), paint_attempts + mid_range_attempts + three_attempts), 2
      ) AS NUMERIC
    ) AS three_rate
  FROM states
  WHERE games >= 5 AND IFNULL(next_game_date, @end_date) >= @start_date
),
standings AS (
  SELECT day AS analysis_date, r.*
  FROM rated AS r
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(r.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(r.next_game_date, @end_date), DATE(r.season_year + 1, 6, 30), @end_date)
  )) AS day
),
-- What the raw player lines say he has played.
lines AS (
  SELECT
    player_lookup,
    season_year,
    game_date,
    LEAD(game_date) OVER (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id) AS next_game_date,
    ROW_NUMBER() OVER (PARTITION BY season_year, player_lookup ORDER BY game_date, game_id) AS games
  FROM nba_raw.player_lines
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE)
    AND game_date < @end_date
    AND (minutes_decimal > 0 OR field_goals_attempted > 0 OR free_throws_attempted > 0 OR points > 0)
),
expected AS (
  SELECT day AS analysis_date, l.player_lookup, l.season_year, LEAST(l.games, 10) AS games
  FROM lines AS l
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(l.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(l.next_game_date, @end_date), DATE(l.season_year + 1, 6, 30), @end_date)
  )) AS day
  WHERE IFNULL(l.next_game_date, @end_date) >= @start_date
),
listed AS (
  SELECT
    player_lookup,
    season_year,
    roster_date,
    MAX(position) AS position,
    LEAD(roster_date) OVER (PARTITION BY season_year, player_lookup ORDER BY roster_date) AS next_roster_date
  FROM nba_raw.espn_team_rosters
  WHERE roster_date >= CAST(DATE_SUB(@start_date, INTERVAL 365 DAY) AS DATE) AND roster_date <= @end_date
  GROUP BY player_lookup, season_year, roster_date
),
positions AS (
  SELECT day AS analysis_date, l.player_lookup, l.season_year, l.position
  FROM listed AS l
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(l.roster_date, @start_date),
    LEAST(
      IFNULL(CAST(DATE_SUB(l.next_roster_date, INTERVAL 1 DAY) AS DATE), @end_date),
      DATE(l.season_year + 1, 6, 30),
      @end_date
    )
  )) AS day
)
SELECT
  s.player_lookup,
  s.universal_player_id,
  s.analysis_date,
  s.sample_10 AS games_in_sample_10,
  s.sample_20 AS games_in_sample_20,
  s.zone_games AS games_with_zones_10,
  s.shots AS total_shots_last_10,
  s.paint_rate AS paint_rate_last_10,
  s.mid_range_rate AS mid_range_rate_last_10,
  s.three_rate AS three_pt_rate_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.paint_makes AS FLOAT64), s.paint_attempts), 3) AS NUMERIC) AS paint_pct_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.mid_range_makes AS FLOAT64), s.mid_range_attempts), 3) AS NUMERIC)
    AS mid_range_pct_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.three_makes AS FLOAT64), s.three_attempts), 3) AS NUMERIC) AS three_pt_pct_last_10,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.paint_attempts AS FLOAT64), s.zone_games), 1) AS NUMERIC) AS paint_attempts_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.mid_range_attempts AS FLOAT64), s.zone_games), 1) AS NUMERIC)
    AS mid_range_attempts_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.three_attempts AS FLOAT64), s.zone_games), 1) AS NUMERIC)
    AS three_pt_attempts_per_game,
  CAST(ROUND(SAFE_DIVIDE(100 * CAST(IF(s.shots = 0, NULL, s.assisted) AS FLOAT64), s.makes), 2) AS NUMERIC)
    AS assisted_rate_last_10,
  CAST(ROUND(SAFE_DIVIDE(100 * CAST(IF(s.shots = 0, NULL, s.unassisted) AS FLOAT64), s.makes), 2) AS NUMERIC)
    AS unassisted_rate_last_10,
  CAST(
    ROUND(SAFE_DIVIDE(100 * CAST(IF(s.sample_20 < 15, NULL, s.paint_attempts_20) AS FLOAT64), s.shots_20), 2)
    AS NUMERIC
  ) AS paint_rate_last_20,
  CAST(
    ROUND(SAFE_DIVIDE(CAST(IF(s.sample_20 < 15, NULL, s.paint_makes_20) AS FLOAT64), s.paint_attempts_20), 3)
    AS NUMERIC
  ) AS paint_pct_last_20,
  -- In this order, on the rounded rates.
  CASE
    WHEN s.shots = 0 THEN NULL
    WHEN s.paint_rate >= 40 THEN 'paint'
    WHEN s.three_rate >= 40 THEN 'perimeter'
    WHEN s.mid_range_rate >= 35 THEN 'mid_range'
    ELSE 'balanced'
  END AS primary_scoring_zone,
  p.position AS player_position,
  CASE WHEN s.sample_10 = 10 THEN 'gold' WHEN s.sample_10 >= 7 THEN 'silver' ELSE 'bronze' END AS quality_tier,
  CAST(CASE WHEN s.sample_10 = 10 THEN 100 WHEN s.sample_10 >= 7 THEN 80 ELSE 60 END AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(s.sample_10 < 10, CONCAT('thin_sample:', CAST(s.sample_10 AS STRING), '/10'), NULL),
      IF(s.shots = 0, 'no_shots_in_sample', NULL),
      IF(s.sample_10 != IFNULL(e.games, 0), 'historical_gap', NULL),
      IF(s.not_ready > 0, 'upstream_incomplete', NULL)
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'player_game_summary',
      'player_lines',
      IF(p.position IS NULL, NULL, 'espn_team_rosters')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  s.sample_10 = IFNULL(e.games, 0) AND s.not_ready = 0 AS is_production_ready,
  IFNULL(e.games, 0) AS expected_games_count,
  s.sample_10 AS actual_games_count,
  IFNULL(e.games, 0) - s.sample_10 AS missing_games_count,
  ROUND(SAFE_DIVIDE(100 * CAST(s.sample_10 AS FLOAT64), e.games), 1) AS completeness_percentage,
  s.sample_10 = 10 AS window_is_full
FROM standings AS s
JOIN dates AS d ON d.analysis_date = s.analysis_date AND d.season_year = s.season_year
LEFT JOIN expected AS e
  ON e.analysis_date = s.analysis_date AND e.player_lookup = s.player_lookup AND e.season_year = s.season_year
LEFT JOIN positions AS p
  ON p.analysis_date = s.analysis_date AND p.player_lookup = s.player_lookup AND p.season_year = s.season_year
