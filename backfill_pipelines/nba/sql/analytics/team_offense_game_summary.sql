-- Grain: (game_id, team_abbr), two rows a game.
-- Inputs, same dates: nbac_team_boxscore, expected_games, shot_attempts, nbac_gamebook_player_stats; player_lines
-- and accepted_games for a game whose missing team box score somebody accepted.
WITH boxscores AS (
  SELECT
    game_id, team_abbr, points, fg_made, fg_attempted, three_pt_made, three_pt_attempted, ft_made, ft_attempted,
    total_rebounds, offensive_rebounds, defensive_rebounds, assists, steals, blocks, turnovers, personal_fouls,
    minutes_total, FALSE AS is_reconstructed
  FROM nba_raw.nbac_team_boxscore
  WHERE game_date BETWEEN @start_date AND @end_date
),
reconstructed AS (
  SELECT
    l.game_id, l.team_abbr,
    SUM(l.points) AS points,
    SUM(l.field_goals_made) AS fg_made,
    SUM(l.field_goals_attempted) AS fg_attempted,
    SUM(l.three_pointers_made) AS three_pt_made,
    SUM(l.three_pointers_attempted) AS three_pt_attempted,
    SUM(l.free_throws_made) AS ft_made,
    SUM(l.free_throws_attempted) AS ft_attempted,
    SUM(l.total_rebounds) AS total_rebounds,
    SUM(l.offensive_rebounds) AS offensive_rebounds,
    SUM(l.defensive_rebounds) AS defensive_rebounds,
    SUM(l.assists) AS assists,
    SUM(l.steals) AS steals,
    SUM(l.blocks) AS blocks,
    SUM(l.turnovers) AS turnovers,
    SUM(l.personal_fouls) AS personal_fouls,
    240 + 25 * MAX(e.overtime_periods) AS minutes_total,
    TRUE AS is_reconstructed
  FROM nba_raw.player_lines AS l
  JOIN nba_reference.accepted_games AS a
    ON a.game_id = l.game_id AND a.game_date = l.game_date AND a.table_name = 'nba_raw.nbac_team_boxscore'
  JOIN nba_reference.expected_games AS e ON e.game_id = l.game_id AND e.partition_date = l.game_date
  LEFT JOIN boxscores AS b ON b.game_id = l.game_id
  WHERE l.game_date BETWEEN @start_date AND @end_date
    AND a.game_date BETWEEN @start_date AND @end_date
    AND b.game_id IS NULL
  GROUP BY l.game_id, l.team_abbr
  HAVING COUNT(*) >= 5
),
totals AS (
  SELECT * FROM boxscores
  UNION ALL
  SELECT * FROM reconstructed
),
zones AS (
  SELECT
    game_id, team_abbr,
    COUNTIF(zone = 'paint') AS paint_attempts,
    COUNTIF(zone = 'paint' AND shot_made) AS paint_makes,
    COUNTIF(zone = 'mid_range') AS mid_range_attempts,
    COUNTIF(zone = 'mid_range' AND shot_made) AS mid_range_makes,
    COUNTIF(zone = 'three') AS three_attempts,
    COUNTIF(zone = 'three' AND shot_made) AS three_makes
  FROM nba_raw.shot_attempts
  WHERE game_date BETWEEN @start_date AND @end_date
  GROUP BY game_id, team_abbr
),
charted AS (
  SELECT DISTINCT game_id FROM zones
),
absent AS (
  SELECT game_id, team_abbr, COUNTIF(player_status IN ('dnp', 'inactive')) AS players
  FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN @start_date AND @end_date
  GROUP BY game_id, team_abbr
),
measured AS (
  SELECT
    t.*,
    CAST(t.fg_attempted AS FLOAT64) + CAST(0.44 AS FLOAT64) * t.ft_attempted + t.turnovers - t.offensive_rebounds
      AS plays,
    CAST(t.fg_attempted AS FLOAT64) + CAST(0.44 AS FLOAT64) * t.ft_attempted AS shooting_chances
  FROM totals AS t
)
SELECT
  m.game_id,
  e.nba_game_id,
  e.partition_date AS game_date,
  e.season_year,
  m.team_abbr,
  IF(m.team_abbr = e.home_team_tricode, e.away_team_tricode, e.home_team_tricode) AS opponent_team_abbr,
  m.team_abbr = e.home_team_tricode AS home_game,
  m.points AS points_scored,
  m.fg_made AS fg_makes,
  m.fg_attempted AS fg_attempts,
  m.three_pt_made AS three_pt_makes,
  m.three_pt_attempted AS three_pt_attempts,
  m.ft_made AS ft_makes,
  m.ft_attempted AS ft_attempts,
  m.total_rebounds AS rebounds,
  m.offensive_rebounds,
  m.defensive_rebounds,
  m.assists,
  m.steals,
  m.blocks,
  m.turnovers,
  m.personal_fouls,
  m.minutes_total,
  CAST((m.minutes_total - 240) / 25 AS INT64) AS overtime_periods,
  CAST(ROUND(m.plays, 2) AS NUMERIC) AS possessions,
  CAST(ROUND(SAFE_DIVIDE(m.plays * 48, m.minutes_total / 5), 2) AS NUMERIC) AS pace,
  CAST(ROUND(SAFE_DIVIDE(CAST(100 * m.points AS FLOAT64), m.plays), 2) AS NUMERIC) AS offensive_rating,
  CAST(ROUND(SAFE_DIVIDE(CAST(m.points AS FLOAT64), 2 * m.shooting_chances), 3) AS NUMERIC) AS ts_pct,
  CAST(
    ROUND(SAFE_DIVIDE(m.fg_made + CAST(0.5 AS FLOAT64) * m.three_pt_made, CAST(m.fg_attempted AS FLOAT64)), 3)
    AS NUMERIC
  ) AS efg_pct,
  m.points > o.points AS win_flag,
  m.points - o.points AS margin_of_victory,
  IF(c.game_id IS NULL, NULL, IFNULL(z.paint_attempts, 0)) AS team_paint_attempts,
  IF(c.game_id IS NULL, NULL, IFNULL(z.paint_makes, 0)) AS team_paint_makes,
  IF(c.game_id IS NULL, NULL, IFNULL(z.mid_range_attempts, 0)) AS team_mid_range_attempts,
  IF(c.game_id IS NULL, NULL, IFNULL(z.mid_range_makes, 0)) AS team_mid_range_makes,
  IF(c.game_id IS NULL, NULL, IFNULL(z.three_attempts, 0)) AS team_three_attempts_pbp,
  IF(c.game_id IS NULL, NULL, IFNULL(z.three_makes, 0)) AS team_three_makes_pbp,
  IF(c.game_id IS NULL, NULL, 2 * IFNULL(z.paint_makes, 0)) AS points_in_paint_scored,
  c.game_id IS NOT NULL AS shot_zones_available,
  IF(c.game_id IS NULL, NULL, 'bigdataball_play_by_play') AS shot_zones_source,
  a.players AS players_inactive,
  CAST(NULL AS INT64) AS second_chance_points_scored,
  CAST(NULL AS STRING) AS referee_crew_id,
  IF(m.is_reconstructed, 'silver', 'gold') AS quality_tier,
  CAST(IF(m.is_reconstructed, 85, 100) AS NUMERIC) AS quality_score,
  IF(m.is_reconstructed, ['reconstructed'], CAST([] AS ARRAY<STRING>)) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      IF(m.is_reconstructed, 'player_lines', 'nbac_team_boxscore'),
      IF(c.game_id IS NULL, NULL, 'bigdataball_play_by_play'),
      IF(a.game_id IS NULL, NULL, 'nbac_gamebook_player_stats')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  -- An accepted gap lets the row exist, not be used.
  NOT m.is_reconstructed AS is_production_ready
FROM measured AS m
JOIN nba_reference.expected_games AS e
  ON e.game_id = m.game_id AND e.partition_date BETWEEN @start_date AND @end_date
LEFT JOIN totals AS o ON o.game_id = m.game_id AND o.team_abbr != m.team_abbr
LEFT JOIN charted AS c ON c.game_id = m.game_id
LEFT JOIN zones AS z ON z.game_id = m.game_id AND z.team_abbr = m.team_abbr
LEFT JOIN absent AS a ON a.game_id = m.game_id AND a.team_abbr = m.team_abbr
