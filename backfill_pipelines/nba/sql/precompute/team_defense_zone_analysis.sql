-- Grain: (analysis_date, team_abbr): every team with at least five games of the season before the date.
-- Inputs: team_defense_game_summary and expected_games of the season, strictly before the date; calendar_days.
-- A team stands on what it did in its last games from the day after a game to the day of its next one.
WITH dates AS (
  SELECT partition_date AS analysis_date, season_year
  FROM nba_reference.calendar_days
  WHERE partition_date BETWEEN @start_date AND @end_date AND expected_games > 0 AND NOT is_bootstrap
),
-- A season window has at most 253 days.
games AS (
  SELECT *
  FROM nba_analytics.team_defense_game_summary
  WHERE game_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE) AND game_date < @end_date
),
-- Sums are of whole numbers and of exact decimals: they do not depend on the order of addition. Games without
-- play-by-play have no zones; sums pass over them.
states AS (
  SELECT
    defending_team_abbr AS team_abbr,
    season_year,
    game_date,
    LEAD(game_date) OVER played AS next_game_date,
    COUNT(*) OVER so_far AS games,
    COUNT(*) OVER last_15 AS sample_size,
    COUNT(opp_paint_attempts) OVER last_15 AS zone_games,
    SUM(opp_paint_attempts) OVER last_15 AS paint_attempts,
    SUM(opp_paint_makes) OVER last_15 AS paint_makes,
    SUM(opp_mid_range_attempts) OVER last_15 AS mid_range_attempts,
    SUM(opp_mid_range_makes) OVER last_15 AS mid_range_makes,
    SUM(opp_three_attempts_pbp) OVER last_15 AS three_attempts,
    SUM(opp_three_makes_pbp) OVER last_15 AS three_makes,
    SUM(points_in_paint_allowed) OVER last_15 AS paint_points,
    SUM(blocks_paint) OVER last_15 AS paint_blocks,
    SUM(blocks_mid_range) OVER last_15 AS mid_range_blocks,
    SUM(blocks_three_pt) OVER last_15 AS three_blocks,
    SUM(points_allowed) OVER last_15 AS points,
    SUM(defensive_rating) OVER last_15 AS ratings,
    SUM(opponent_pace) OVER last_15 AS paces,
    SUM(IF(is_production_ready, 0, 1)) OVER last_15 AS not_ready
  FROM games
  WINDOW
    played AS (PARTITION BY season_year, defending_team_abbr ORDER BY game_date, game_id),
    so_far AS (
      PARTITION BY season_year, defending_team_abbr ORDER BY game_date, game_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ),
    last_15 AS (
      PARTITION BY season_year, defending_team_abbr ORDER BY game_date, game_id
      ROWS BETWEEN 14 PRECEDING AND CURRENT ROW
    )
),
standings AS (
  SELECT day AS analysis_date, s.*
  FROM states AS s
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(s.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(s.next_game_date, @end_date), DATE(s.season_year + 1, 6, 30), @end_date)
  )) AS day
  WHERE s.games >= 5 AND IFNULL(s.next_game_date, @end_date) >= @start_date
),
finals AS (
  SELECT
    team,
    e.season_year,
    e.partition_date AS game_date,
    LEAD(e.partition_date) OVER (
      PARTITION BY e.season_year, team ORDER BY e.partition_date, e.game_id
    ) AS next_game_date,
    ROW_NUMBER() OVER (PARTITION BY e.season_year, team ORDER BY e.partition_date, e.game_id) AS games
  FROM nba_reference.expected_games AS e
  CROSS JOIN UNNEST([e.home_team_tricode, e.away_team_tricode]) AS team
  WHERE e.partition_date >= CAST(DATE_SUB(@start_date, INTERVAL 260 DAY) AS DATE) AND e.partition_date < @end_date
),
expected AS (
  SELECT day AS analysis_date, f.team, f.season_year, f.games
  FROM finals AS f
  CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(
    GREATEST(CAST(DATE_ADD(f.game_date, INTERVAL 1 DAY) AS DATE), @start_date),
    LEAST(IFNULL(f.next_game_date, @end_date), DATE(f.season_year + 1, 6, 30), @end_date)
  )) AS day
  WHERE IFNULL(f.next_game_date, @end_date) >= @start_date
),
shares AS (
  SELECT
    s.*,
    LEAST(IFNULL(e.games, 0), 15) AS expected_games,
    SAFE_DIVIDE(CAST(s.paint_makes AS FLOAT64), s.paint_attempts) AS paint_pct,
    SAFE_DIVIDE(CAST(s.mid_range_makes AS FLOAT64), s.mid_range_attempts) AS mid_range_pct,
    SAFE_DIVIDE(CAST(s.three_makes AS FLOAT64), s.three_attempts) AS three_pct
  FROM standings AS s
  JOIN dates AS d ON d.analysis_date = s.analysis_date AND d.season_year = s.season_year
  LEFT JOIN expected AS e
    ON e.analysis_date = s.analysis_date AND e.team = s.team_abbr AND e.season_year = s.season_year
),
-- Below ten teams the mean says little: then the shares of a usual season.
league AS (
  SELECT
    analysis_date,
    COUNT(*) < 10 AS is_assumed,
    IF(COUNT(*) < 10, CAST(0.580 AS FLOAT64), AVG(paint_pct)) AS paint,
    IF(COUNT(*) < 10, CAST(0.410 AS FLOAT64), AVG(mid_range_pct)) AS mid_range,
    IF(COUNT(*) < 10, CAST(0.355 AS FLOAT64), AVG(three_pct)) AS three
  FROM shares
  GROUP BY analysis_date
),
compared AS (
  SELECT
    s.*,
    l.is_assumed,
    100 * (s.paint_pct - l.paint) AS paint_difference,
    100 * (s.mid_range_pct - l.mid_range) AS mid_range_difference,
    100 * (s.three_pct - l.three) AS three_difference
  FROM shares AS s
  JOIN league AS l ON l.analysis_date = s.analysis_date
),
-- The mean of floats may differ in its last digits between engines: a tie is equality to six decimals.
ranked AS (
  SELECT
    *,
    ROUND(paint_difference, 6) AS paint_rank,
    ROUND(mid_range_difference, 6) AS mid_range_rank,
    ROUND(three_difference, 6) AS three_rank,
    paint_difference IS NOT NULL AND mid_range_difference IS NOT NULL AND three_difference IS NOT NULL AS has_zones
  FROM compared
)
SELECT
  r.team_abbr,
  r.analysis_date,
  r.sample_size AS games_in_sample,
  CAST(ROUND(r.paint_pct, 3) AS NUMERIC) AS paint_pct_allowed_last_15,
  CAST(ROUND(r.mid_range_pct, 3) AS NUMERIC) AS mid_range_pct_allowed_last_15,
  CAST(ROUND(r.three_pct, 3) AS NUMERIC) AS three_pt_pct_allowed_last_15,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.paint_attempts AS FLOAT64), r.zone_games), 1) AS NUMERIC)
    AS paint_attempts_allowed_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.mid_range_attempts AS FLOAT64), r.zone_games), 1) AS NUMERIC)
    AS mid_range_attempts_allowed_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.three_attempts AS FLOAT64), r.zone_games), 1) AS NUMERIC)
    AS three_pt_attempts_allowed_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.paint_points AS FLOAT64), r.zone_games), 1) AS NUMERIC)
    AS paint_points_allowed_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.paint_blocks AS FLOAT64), r.zone_games), 1) AS NUMERIC) AS paint_blocks_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.mid_range_blocks AS FLOAT64), r.zone_games), 1) AS NUMERIC)
    AS mid_range_blocks_per_game,
  CAST(ROUND(SAFE_DIVIDE(CAST(r.three_blocks AS FLOAT64), r.zone_games), 1) AS NUMERIC) AS three_pt_blocks_per_game,
  CAST(ROUND(CAST(r.points AS FLOAT64) / r.sample_size, 1) AS NUMERIC) AS opponent_points_per_game,
  CAST(ROUND(CAST(r.ratings AS FLOAT64) / r.sample_size, 2) AS NUMERIC) AS defensive_rating_last_15,
  CAST(ROUND(CAST(r.paces AS FLOAT64) / r.sample_size, 2) AS NUMERIC) AS opponent_pace,
  CAST(ROUND(r.paint_difference, 2) AS NUMERIC) AS paint_defense_vs_league_avg,
  CAST(ROUND(r.mid_range_difference, 2) AS NUMERIC) AS mid_range_defense_vs_league_avg,
  CAST(ROUND(r.three_difference, 2) AS NUMERIC) AS three_pt_defense_vs_league_avg,
  CASE
    WHEN NOT r.has_zones THEN NULL
    WHEN r.paint_rank <= r.mid_range_rank AND r.paint_rank <= r.three_rank THEN 'paint'
    WHEN r.mid_range_rank <= r.three_rank THEN 'mid_range'
    ELSE 'perimeter'
  END AS strongest_zone,
  CASE
    WHEN NOT r.has_zones THEN NULL
    WHEN r.paint_rank >= r.mid_range_rank AND r.paint_rank >= r.three_rank THEN 'paint'
    WHEN r.mid_range_rank >= r.three_rank THEN 'mid_range'
    ELSE 'perimeter'
  END AS weakest_zone,
  NULLIF(
    TRIM(CONCAT(
      IF(r.zone_games < r.sample_size, CONCAT(CAST(r.zone_games AS STRING), ' games with zones. '), ''),
      IF(r.is_assumed, 'League average assumed: fewer than 10 teams.', '')
    )),
    ''
  ) AS calculation_notes,
  CASE WHEN r.sample_size = 15 THEN 'gold' WHEN r.sample_size >= 7 THEN 'silver' ELSE 'bronze' END AS quality_tier,
  CAST(CASE WHEN r.sample_size = 15 THEN 100 WHEN r.sample_size >= 7 THEN 80 ELSE 60 END AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(r.sample_size < 15, CONCAT('thin_sample:', CAST(r.sample_size AS STRING), '/15'), NULL),
      IF(r.sample_size != r.expected_games, 'historical_gap', NULL),
      IF(r.not_ready > 0, 'upstream_incomplete', NULL)
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ['team_defense_game_summary', 'nbac_schedule'] AS data_sources,
  r.sample_size = r.expected_games AND r.not_ready = 0 AS is_production_ready,
  r.expected_games AS expected_games_count,
  r.sample_size AS actual_games_count,
  r.expected_games - r.sample_size AS missing_games_count,
  ROUND(SAFE_DIVIDE(100 * CAST(r.sample_size AS FLOAT64), r.expected_games), 1) AS completeness_percentage,
  r.sample_size = 15 AS window_is_full
FROM ranked AS r
