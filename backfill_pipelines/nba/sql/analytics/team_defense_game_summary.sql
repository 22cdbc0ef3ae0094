-- Grain: (game_id, defending_team_abbr), two rows a game.
-- Inputs, same dates: team_offense_game_summary (own row and the opponent's), player_game_summary (blocks by zone).
WITH blocks AS (
  SELECT
    game_id, team_abbr,
    SUM(paint_blocks) AS paint,
    SUM(mid_range_blocks) AS mid_range,
    SUM(three_pt_blocks) AS three
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @start_date AND @end_date
  GROUP BY game_id, team_abbr
)
SELECT
  own.game_id,
  own.game_date,
  own.season_year,
  own.team_abbr AS defending_team_abbr,
  own.opponent_team_abbr,
  own.home_game,
  own.win_flag,
  own.margin_of_victory,
  own.overtime_periods,
  opp.points_scored AS points_allowed,
  opp.fg_makes AS opp_fg_makes,
  opp.fg_attempts AS opp_fg_attempts,
  opp.three_pt_makes AS opp_three_pt_makes,
  opp.three_pt_attempts AS opp_three_pt_attempts,
  opp.ft_makes AS opp_ft_makes,
  opp.ft_attempts AS opp_ft_attempts,
  opp.rebounds AS opp_rebounds,
  opp.assists AS opp_assists,
  opp.turnovers AS turnovers_forced,
  own.personal_fouls AS fouls_committed,
  own.steals,
  own.defensive_rebounds,
  opp.team_paint_attempts AS opp_paint_attempts,
  opp.team_paint_makes AS opp_paint_makes,
  opp.team_mid_range_attempts AS opp_mid_range_attempts,
  opp.team_mid_range_makes AS opp_mid_range_makes,
  opp.team_three_attempts_pbp AS opp_three_attempts_pbp,
  opp.team_three_makes_pbp AS opp_three_makes_pbp,
  2 * opp.team_paint_makes AS points_in_paint_allowed,
  2 * opp.team_mid_range_makes AS mid_range_points_allowed,
  3 * opp.team_three_makes_pbp AS three_pt_points_allowed,
  b.paint AS blocks_paint,
  b.mid_range AS blocks_mid_range,
  b.three AS blocks_three_pt,
  opp.offensive_rating AS defensive_rating,
  opp.pace AS opponent_pace,
  opp.ts_pct AS opponent_ts_pct,
  own.players_inactive,
  CAST(NULL AS INT64) AS second_chance_points_allowed,
  CAST(NULL AS INT64) AS fast_break_points_allowed,
  CAST(NULL AS STRING) AS referee_crew_id,
  IF(own.quality_score <= opp.quality_score, own.quality_tier, opp.quality_tier) AS quality_tier,
  IF(own.quality_score <= opp.quality_score, own.quality_score, opp.quality_score) AS quality_score,
  ARRAY(
    SELECT DISTINCT issue
    FROM UNNEST(ARRAY_CONCAT(own.data_quality_issues, opp.data_quality_issues)) AS issue
    ORDER BY issue
  ) AS data_quality_issues,
  ['team_offense_game_summary', 'player_game_summary'] AS data_sources,
  own.is_production_ready AND opp.is_production_ready AS is_production_ready
FROM nba_analytics.team_offense_game_summary AS own
JOIN nba_analytics.team_offense_game_summary AS opp
  ON opp.game_id = own.game_id AND opp.team_abbr = own.opponent_team_abbr
LEFT JOIN blocks AS b ON b.game_id = own.game_id AND b.team_abbr = own.team_abbr
WHERE own.game_date BETWEEN @start_date AND @end_date
  AND opp.game_date BETWEEN @start_date AND @end_date
