-- Grain: (game_id, player_lookup), one row for each row of player_lines.
-- Inputs, same dates: player_lines, team_offense_game_summary, nbac_starting_lineups, shot_attempts,
-- bigdataball_play_by_play (free throws), odds_api_player_points_props.
WITH lines AS (
  SELECT * FROM nba_raw.player_lines WHERE game_date BETWEEN @start_date AND @end_date
),
shots AS (
  SELECT * FROM nba_raw.shot_attempts WHERE game_date BETWEEN @start_date AND @end_date
),
charted AS (
  SELECT DISTINCT game_id FROM shots
),
zones AS (
  SELECT
    game_id, player_lookup,
    COUNT(*) AS attempts,
    COUNTIF(shot_made) AS makes,
    COUNTIF(zone = 'paint') AS paint_attempts,
    COUNTIF(zone = 'paint' AND shot_made) AS paint_makes,
    COUNTIF(zone = 'mid_range') AS mid_range_attempts,
    COUNTIF(zone = 'mid_range' AND shot_made) AS mid_range_makes,
    COUNTIF(zone = 'three') AS three_attempts,
    COUNTIF(zone = 'three' AND shot_made) AS three_makes,
    COUNTIF(shot_made AND assist_player_lookup IS NOT NULL) AS assisted,
    COUNTIF(shot_made AND assist_player_lookup IS NULL) AS unassisted
  FROM shots
  GROUP BY game_id, player_lookup
),
-- Grouped by blocker and joined to every line: a player who never shoots still blocks.
blocks AS (
  SELECT
    game_id, block_player_lookup AS player_lookup,
    COUNTIF(zone = 'paint') AS paint,
    COUNTIF(zone = 'mid_range') AS mid_range,
    COUNTIF(zone = 'three') AS three
  FROM shots
  WHERE block_player_lookup IS NOT NULL
  GROUP BY game_id, block_player_lookup
),
free_throws AS (
  SELECT game_id, player_lookup, COUNTIF(event_subtype = 'free throw 1/1') AS and_ones
  FROM nba_raw.bigdataball_play_by_play
  WHERE game_date BETWEEN @start_date AND @end_date AND event_type = 'free throw'
  GROUP BY game_id, player_lookup
),
games_with_free_throws AS (
  SELECT DISTINCT game_id FROM free_throws
),
lineups AS (
  SELECT game_id, player_lookup, is_starter
  FROM nba_raw.nbac_starting_lineups
  WHERE game_date BETWEEN @start_date AND @end_date
),
games_with_lineups AS (
  SELECT game_id FROM lineups WHERE is_starter GROUP BY game_id
),
props AS (
  SELECT
    *,
    DENSE_RANK() OVER (
      PARTITION BY game_date, player_lookup
      ORDER BY CASE bookmaker WHEN 'draftkings' THEN 0 WHEN 'fanduel' THEN 1 ELSE 2 END, bookmaker
    ) AS choice
  FROM nba_raw.odds_api_player_points_props
  WHERE game_date BETWEEN @start_date AND @end_date AND snapshot_timestamp < commence_time
),
snapshots AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY game_date, player_lookup ORDER BY snapshot_timestamp DESC, points_line
    ) AS from_last,
    ROW_NUMBER() OVER (PARTITION BY game_date, player_lookup ORDER BY snapshot_timestamp, points_line) AS from_first
  FROM props
  WHERE choice = 1
),
betting AS (
  SELECT
    game_date, player_lookup,
    MAX(IF(from_last = 1, points_line, NULL)) AS latest,
    MAX(IF(from_first = 1, points_line, NULL)) AS opening,
    MAX(bookmaker) AS bookmaker
  FROM snapshots
  GROUP BY game_date, player_lookup
),
measured AS (
  SELECT
    l.*,
    CAST(l.field_goals_attempted AS FLOAT64) + CAST(0.44 AS FLOAT64) * l.free_throws_attempted AS shooting_chances,
    t.win_flag AS team_won,
    t.is_production_ready AS team_is_ready,
    SAFE_DIVIDE(
      100
        * (CAST(l.field_goals_attempted AS FLOAT64) + CAST(0.44 AS FLOAT64) * l.free_throws_attempted + l.turnovers)
        * (t.minutes_total / 5),
      l.minutes_decimal
        * (CAST(t.fg_attempts AS FLOAT64) + CAST(0.44 AS FLOAT64) * t.ft_attempts + t.turnovers)
    ) AS raw_usage,
    c.game_id IS NOT NULL AS is_charted
  FROM lines AS l
  LEFT JOIN nba_analytics.team_offense_game_summary AS t
    ON t.game_id = l.game_id AND t.team_abbr = l.team_abbr AND t.game_date BETWEEN @start_date AND @end_date
  LEFT JOIN charted AS c ON c.game_id = l.game_id
)
SELECT
  m.player_lookup,
  m.player_full_name,
  CAST(NULL AS STRING) AS universal_player_id,
  m.game_id,
  m.game_date,
  m.season_year,
  m.team_abbr,
  m.opponent_team_abbr,
  m.is_home AS home_game,
  m.points,
  m.assists,
  m.offensive_rebounds,
  m.defensive_rebounds,
  m.total_rebounds AS rebounds,
  m.steals,
  m.blocks,
  m.turnovers,
  m.personal_fouls,
  m.field_goals_made AS fg_makes,
  m.field_goals_attempted AS fg_attempts,
  m.three_pointers_made AS three_pt_makes,
  m.three_pointers_attempted AS three_pt_attempts,
  m.free_throws_made AS ft_makes,
  m.free_throws_attempted AS ft_attempts,
  m.plus_minus,
  CAST(ROUND(m.minutes_decimal, 2) AS NUMERIC) AS minutes_played,
  CAST(ROUND(IF(m.raw_usage > 100, NULL, m.raw_usage), 2) AS NUMERIC) AS usage_rate,
  CAST(ROUND(SAFE_DIVIDE(CAST(m.points AS FLOAT64), 2 * m.shooting_chances), 3) AS NUMERIC) AS ts_pct,
  CAST(
    ROUND(
      SAFE_DIVIDE(
        m.field_goals_made + CAST(0.5 AS FLOAT64) * m.three_pointers_made, CAST(m.field_goals_attempted AS FLOAT64)
      ),
      3
    ) AS NUMERIC
  ) AS efg_pct,
  IF(g.game_id IS NULL, IFNULL(m.minutes_decimal, 0) > 20, IFNULL(s.is_starter, FALSE)) AS starter_flag,
  m.team_won AS win_flag,
  IF(m.is_charted, IFNULL(z.paint_attempts, 0), NULL) AS paint_attempts,
  IF(m.is_charted, IFNULL(z.paint_makes, 0), NULL) AS paint_makes,
  IF(m.is_charted, IFNULL(z.mid_range_attempts, 0), NULL) AS mid_range_attempts,
  IF(m.is_charted, IFNULL(z.mid_range_makes, 0), NULL) AS mid_range_makes,
  IF(m.is_charted, IFNULL(z.three_attempts, 0), NULL) AS three_attempts_pbp,
  IF(m.is_charted, IFNULL(z.three_makes, 0), NULL) AS three_makes_pbp,
  IF(m.is_charted, IFNULL(z.assisted, 0), NULL) AS assisted_fg_makes,
  IF(m.is_charted, IFNULL(z.unassisted, 0), NULL) AS unassisted_fg_makes,
  IF(m.is_charted, IFNULL(b.paint, 0), NULL) AS paint_blocks,
  IF(m.is_charted, IFNULL(b.mid_range, 0), NULL) AS mid_range_blocks,
  IF(m.is_charted, IFNULL(b.three, 0), NULL) AS three_pt_blocks,
  IF(w.game_id IS NULL, NULL, IFNULL(f.and_ones, 0)) AS and1_count,
  m.is_charted
    AND IFNULL(z.attempts, 0) = m.field_goals_attempted
    AND IFNULL(z.makes, 0) = m.field_goals_made
    AND IFNULL(z.three_attempts, 0) = m.three_pointers_attempted AS has_complete_shot_zones,
  CAST(ROUND(p.latest, 1) AS NUMERIC) AS points_line,
  CAST(ROUND(p.opening, 1) AS NUMERIC) AS opening_line,
  CAST(ROUND(p.latest - p.opening, 1) AS NUMERIC) AS line_movement,
  p.bookmaker AS points_line_source,
  CASE
    WHEN p.latest IS NULL THEN NULL
    WHEN m.points > p.latest THEN 'OVER'
    WHEN m.points < p.latest THEN 'UNDER'
    ELSE 'PUSH'
  END AS over_under_result,
  CAST(ROUND(m.points - p.latest, 2) AS NUMERIC) AS margin,
  TRUE AS is_active,
  'active' AS player_status,
  m.minutes_decimal IS NULL AND m.points = 0 AS is_dnp,
  m.source AS primary_source_used,
  IF(m.source = 'nbac_gamebook', 'gold', 'silver') AS quality_tier,
  CAST(IF(m.source = 'nbac_gamebook', 100, 85) AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(m.source = 'nbac_gamebook', NULL, 'backup_source_used'),
      IF(m.is_charted, NULL, 'shot_zones_unavailable'),
      IF(g.game_id IS NULL, 'starter_estimated', NULL)
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'player_lines',
      'team_offense_game_summary',
      IF(m.is_charted, 'bigdataball_play_by_play', NULL),
      IF(g.game_id IS NULL, NULL, 'nbac_starting_lineups'),
      IF(p.bookmaker IS NULL, NULL, 'odds_api_player_points_props')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  IFNULL(m.team_is_ready, FALSE) AS is_production_ready
FROM measured AS m
LEFT JOIN zones AS z ON z.game_id = m.game_id AND z.player_lookup = m.player_lookup
LEFT JOIN blocks AS b ON b.game_id = m.game_id AND b.player_lookup = m.player_lookup
LEFT JOIN free_throws AS f ON f.game_id = m.game_id AND f.player_lookup = m.player_lookup
LEFT JOIN games_with_free_throws AS w ON w.game_id = m.game_id
LEFT JOIN lineups AS s ON s.game_id = m.game_id AND s.player_lookup = m.player_lookup
LEFT JOIN games_with_lineups AS g ON g.game_id = m.game_id
LEFT JOIN betting AS p ON p.game_date = m.game_date AND p.player_lookup = m.player_lookup
