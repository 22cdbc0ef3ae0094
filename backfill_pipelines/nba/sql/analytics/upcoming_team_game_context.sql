-- Grain: (game_id, team_abbr), two rows a game.
-- Inputs: nbac_schedule of the season and 7 days ahead; team_offense_game_summary of earlier dates (results);
-- team_locations, timezone_offsets; of the same dates odds_api_game_lines, nbac_injury_report; nbac_starting_lineups
-- of earlier dates. No season has 270 days, so 270 days back is all of it.
WITH scheduled AS (
  SELECT
    s.game_id, s.game_date, s.season_year, s.game_type, s.game_time_utc, s.home_team_tricode, team,
    IF(team = s.home_team_tricode, s.away_team_tricode, s.home_team_tricode) AS opponent,
    team = s.home_team_tricode AS is_home,
    s.game_status = 3 AS is_final,
    UNIX_DATE(s.game_date) AS day,
    COUNT(*) OVER week_ahead AS games_ahead,
    MIN(UNIX_DATE(s.game_date)) OVER week_ahead AS next_day
  FROM nba_raw.nbac_schedule AS s
  CROSS JOIN UNNEST([s.home_team_tricode, s.away_team_tricode]) AS team
  WHERE s.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND DATE_ADD(@end_date, INTERVAL 7 DAY)
    AND NOT s.is_postponed
    AND s.game_type IN ('regular_season', 'play_in', 'playoff')
  WINDOW week_ahead AS (
    PARTITION BY team, s.season_year ORDER BY UNIX_DATE(s.game_date) RANGE BETWEEN 1 FOLLOWING AND 7 FOLLOWING
  )
),
numbered AS (
  SELECT
    g.*,
    t.game_id IS NOT NULL AS has_result,
    t.win_flag,
    t.margin_of_victory,
    t.is_production_ready AS is_ready,
    ROW_NUMBER() OVER season AS n,
    LAG(g.day) OVER season AS last_day,
    LAG(g.home_team_tricode) OVER season AS last_arena
  FROM scheduled AS g
  LEFT JOIN nba_analytics.team_offense_game_summary AS t
    ON t.game_id = g.game_id
    AND t.team_abbr = g.team
    AND t.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
  WHERE g.is_final
  WINDOW season AS (PARTITION BY g.team, g.season_year ORDER BY g.day, g.game_id)
),
radians AS (
  SELECT
    team_abbr,
    latitude * ACOS(-1) / 180 AS latitude,
    longitude * ACOS(-1) / 180 AS longitude
  FROM nba_reference.team_locations
),
miles AS (
  SELECT
    a.team_abbr AS origin,
    b.team_abbr AS destination,
    CAST(ROUND(
      2 * CAST(3958.8 AS FLOAT64) * ASIN(SQRT(
        POW(SIN((b.latitude - a.latitude) / 2), 2)
        + COS(a.latitude) * COS(b.latitude) * POW(SIN((b.longitude - a.longitude) / 2), 2)
      ))
    ) AS INT64) AS miles
  FROM radians AS a
  CROSS JOIN radians AS b
),
clocks AS (
  SELECT l.team_abbr, o.from_date, o.to_date, o.offset_hours
  FROM nba_reference.team_locations AS l
  JOIN nba_reference.timezone_offsets AS o ON o.timezone = l.timezone
  WHERE o.from_date >= DATE '2021-10-19'
),
travelled AS (
  SELECT
    n.*,
    IF(n.last_day IS NULL, 0, m.miles) AS travel_miles,
    here.offset_hours,
    IF(n.last_day IS NULL, 0, ABS(here.offset_hours - there.offset_hours)) AS time_zone_changes
  FROM numbered AS n
  LEFT JOIN miles AS m ON m.origin = n.last_arena AND m.destination = n.home_team_tricode
  LEFT JOIN clocks AS here
    ON here.team_abbr = n.home_team_tricode AND n.game_date BETWEEN here.from_date AND here.to_date
  LEFT JOIN clocks AS there
    ON there.team_abbr = n.last_arena AND n.game_date BETWEEN there.from_date AND there.to_date
),
form AS (
  SELECT
    g.*,
    COUNT(*) OVER last_7 AS games_7,
    COUNT(*) OVER last_14 AS games_14,
    IFNULL(SUM(g.travel_miles) OVER last_14, 0) AS miles_14,
    -- The later game of a pair must lie a day inside the window, for the earlier one to be in it too.
    COUNT(IF(g.day - g.last_day = 1, 1, NULL)) OVER last_13 AS pairs_14,
    COUNT(IF(g.has_result, 1, NULL)) OVER before AS results,
    COUNT(IF(g.win_flag, 1, NULL)) OVER before AS wins,
    IFNULL(MAX(IF(IFNULL(g.win_flag, FALSE), NULL, g.n)) OVER before, 0) AS last_not_won,
    IFNULL(MAX(IF(IFNULL(NOT g.win_flag, FALSE), NULL, g.n)) OVER before, 0) AS last_not_lost,
    IFNULL(LOGICAL_AND(g.is_ready) OVER before, TRUE) AS results_are_ready,
    LAG(g.margin_of_victory) OVER season AS last_margin,
    LAG(g.win_flag) OVER season AS last_won,
    IFNULL(MAX(IF(g.is_home, g.n, NULL)) OVER so_far, 0) AS last_at_home
  FROM travelled AS g
  WINDOW
    season AS (PARTITION BY g.team, g.season_year ORDER BY g.n),
    so_far AS (PARTITION BY g.team, g.season_year ORDER BY g.n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    before AS (PARTITION BY g.team, g.season_year ORDER BY g.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
    last_7 AS (PARTITION BY g.team, g.season_year ORDER BY g.day RANGE BETWEEN 7 PRECEDING AND 1 PRECEDING),
    last_13 AS (PARTITION BY g.team, g.season_year ORDER BY g.day RANGE BETWEEN 13 PRECEDING AND 1 PRECEDING),
    last_14 AS (PARTITION BY g.team, g.season_year ORDER BY g.day RANGE BETWEEN 14 PRECEDING AND 1 PRECEDING)
),
quotes AS (
  SELECT
    *,
    DENSE_RANK() OVER (
      PARTITION BY game_id, market_key
      ORDER BY CASE bookmaker_key WHEN 'draftkings' THEN 0 WHEN 'fanduel' THEN 1 ELSE 2 END, bookmaker_key
    ) AS choice
  FROM nba_raw.odds_api_game_lines
  WHERE game_date BETWEEN @start_date AND @end_date
    AND snapshot_timestamp < commence_time
    AND outcome_point IS NOT NULL
    AND market_key IN ('spreads', 'totals')
    AND outcome_name != 'Under'
),
snapshots AS (
  SELECT
    *,
    ROW_NUMBER() OVER (PARTITION BY game_id, outcome_name ORDER BY snapshot_timestamp DESC) AS from_last,
    ROW_NUMBER() OVER (PARTITION BY game_id, outcome_name ORDER BY snapshot_timestamp) AS from_first
  FROM quotes
  WHERE choice = 1
),
betting AS (
  SELECT
    game_id, outcome_name,
    MAX(IF(from_last = 1, outcome_point, NULL)) AS latest,
    MAX(IF(from_first = 1, outcome_point, NULL)) AS opening,
    MAX(bookmaker_key) AS bookmaker,
    MAX(snapshot_timestamp) AS updated_at
  FROM snapshots
  GROUP BY game_id, outcome_name
),
injuries AS (
  SELECT game_date, team_abbr, player_lookup, injury_status, 24 * UNIX_DATE(report_date) + report_hour AS hour
  FROM nba_raw.nbac_injury_report
  WHERE game_date BETWEEN @start_date AND @end_date AND confidence_score >= 0.8
),
-- Of each team, the hour of the latest report before tip-off; reports are dated in Eastern time.
reports AS (
  SELECT g.game_id, g.team, g.game_date, g.season_year, g.n, MAX(r.hour) AS hour
  FROM numbered AS g
  JOIN (SELECT DISTINCT game_date, hour FROM injuries) AS r ON r.game_date = g.game_date
  JOIN nba_reference.timezone_offsets AS o
    ON o.timezone = 'America/New_York' AND g.game_date BETWEEN o.from_date AND o.to_date
  WHERE o.from_date >= DATE '2021-10-19'
    AND IFNULL((r.hour - o.offset_hours) * 3600000000 < UNIX_MICROS(g.game_time_utc), TRUE)
  GROUP BY g.game_id, g.team, g.game_date, g.season_year, g.n
),
starters AS (
  SELECT g.team, g.season_year, g.n, l.player_lookup
  FROM nba_raw.nbac_starting_lineups AS l
  JOIN numbered AS g ON g.game_id = l.game_id AND g.team = l.team_abbr
  WHERE l.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date AND l.is_starter
),
listed AS (
  SELECT r.game_id, r.team, r.season_year, r.n, i.player_lookup, i.injury_status
  FROM reports AS r
  LEFT JOIN injuries AS i ON i.game_date = r.game_date AND i.team_abbr = r.team AND i.hour = r.hour
),
absent AS (
  SELECT
    l.game_id, l.team,
    COUNT(DISTINCT IF(l.injury_status = 'out' AND s.player_lookup IS NOT NULL, l.player_lookup, NULL)) AS starters_out,
    COUNT(DISTINCT IF(l.injury_status IN ('questionable', 'doubtful'), l.player_lookup, NULL)) AS in_doubt
  FROM listed AS l
  LEFT JOIN starters AS s
    ON s.player_lookup = l.player_lookup
    AND s.team = l.team
    AND s.season_year = l.season_year
    AND s.n BETWEEN l.n - 5 AND l.n - 1
  GROUP BY l.game_id, l.team
)
SELECT
  g.team AS team_abbr,
  g.game_id,
  g.game_date,
  g.season_year,
  g.opponent AS opponent_team_abbr,
  g.is_home AS home_game,
  CASE
    WHEN g.game_type = 'playoff' THEN 'playoffs'
    WHEN g.game_type = 'play_in' THEN 'play_in'
    WHEN EXTRACT(MONTH FROM g.game_date) IN (10, 11) THEN 'early'
    WHEN EXTRACT(MONTH FROM g.game_date) IN (12, 1, 2) THEN 'mid'
    ELSE 'late'
  END AS season_phase,
  FORMAT_TIMESTAMP('%H:%M', TIMESTAMP_ADD(g.game_time_utc, INTERVAL g.offset_hours HOUR)) AS game_start_time_local,
  g.day - g.last_day AS team_days_rest,
  g.day - g.last_day AS days_since_last_game,
  IFNULL(g.day - g.last_day = 1, FALSE) AS team_back_to_back,
  IFNULL(g.day - g.last_day = 1, FALSE) AS is_back_to_back,
  g.n AS game_number_in_season,
  g.games_7 AS games_in_last_7_days,
  g.games_14 AS games_in_last_14_days,
  g.pairs_14 AS back_to_backs_last_14_days,
  g.n - 1 - g.last_not_won AS team_win_streak_entering,
  g.n - 1 - g.last_not_lost AS team_loss_streak_entering,
  g.last_margin AS last_game_margin,
  CASE g.last_won WHEN TRUE THEN 'W' WHEN FALSE THEN 'L' END AS last_game_result,
  CAST(ROUND(SAFE_DIVIDE(CAST(g.wins AS FLOAT64), g.results), 3) AS NUMERIC) AS win_pct_entering,
  g.travel_miles,
  g.time_zone_changes,
  g.n - g.last_at_home AS consecutive_road_games,
  g.miles_14 AS miles_traveled_last_14_days,
  g.next_day - g.day AS next_game_days_rest,
  NULLIF(g.games_ahead, 0) AS games_in_next_7_days,
  CAST(ROUND(s.latest, 2) AS NUMERIC) AS game_spread,
  CAST(ROUND(t.latest, 1) AS NUMERIC) AS game_total,
  CAST(ROUND(s.latest - s.opening, 2) AS NUMERIC) AS spread_movement,
  CAST(ROUND(t.latest - t.opening, 1) AS NUMERIC) AS total_movement,
  IFNULL(s.bookmaker, t.bookmaker) AS game_spread_source,
  GREATEST(IFNULL(s.updated_at, t.updated_at), IFNULL(t.updated_at, s.updated_at)) AS betting_lines_updated_at,
  a.starters_out AS starters_out_count,
  a.in_doubt AS questionable_players_count,
  IF((s.latest IS NULL OR t.latest IS NULL) AND a.game_id IS NULL, 'silver', 'gold') AS quality_tier,
  100
    - IF(s.latest IS NULL OR t.latest IS NULL, NUMERIC '5', NUMERIC '0')
    - IF(a.game_id IS NULL, NUMERIC '2.5', NUMERIC '0') AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(s.latest IS NULL OR t.latest IS NULL, 'missing_game_lines', NULL),
      IF(a.game_id IS NULL, 'missing_injury_report', NULL),
      IF(g.results = g.n - 1, NULL, 'historical_gap'),
      IF(g.results_are_ready, NULL, 'upstream_incomplete')
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'nbac_schedule',
      IF(g.results = 0, NULL, 'team_offense_game_summary'),
      IF(s.latest IS NULL AND t.latest IS NULL, NULL, 'odds_api_game_lines'),
      IF(a.game_id IS NULL, NULL, 'nbac_injury_report'),
      IF(a.game_id IS NULL, NULL, 'nbac_starting_lineups')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  g.results_are_ready AND g.results = g.n - 1 AS is_production_ready,
  g.n - 1 AS expected_games_count,
  g.results AS actual_games_count,
  g.n - 1 - g.results AS missing_games_count,
  ROUND(SAFE_DIVIDE(CAST(100 * g.results AS FLOAT64), g.n - 1), 1) AS completeness_percentage,
  g.results = g.n - 1 AS window_is_full
FROM form AS g
LEFT JOIN betting AS s ON s.game_id = g.game_id AND s.outcome_name = g.team
LEFT JOIN betting AS t ON t.game_id = g.game_id AND t.outcome_name = 'Over'
LEFT JOIN absent AS a ON a.game_id = g.game_id AND a.team = g.team
WHERE g.game_date BETWEEN @start_date AND @end_date
