-- One item for each team row: points allowed are the opponent's points; by zone they add up where every attempt of the
-- opponent has a zone.
SELECT
  s.game_date AS partition_date,
  IFNULL(
    s.points_allowed = o.points_scored
      AND (
        s.opp_paint_attempts IS NULL
        OR s.opp_paint_attempts + s.opp_mid_range_attempts + s.opp_three_attempts_pbp != s.opp_fg_attempts
        OR s.opp_three_makes_pbp != s.opp_three_pt_makes
        OR s.points_in_paint_allowed + s.mid_range_points_allowed + s.three_pt_points_allowed + s.opp_ft_makes
          = s.points_allowed
      ),
    FALSE
  ) AS ok,
  CONCAT(
    s.game_id, '/', s.defending_team_abbr, ' allowed ', CAST(s.points_allowed AS STRING), ', the opponent scored ',
    IFNULL(CAST(o.points_scored AS STRING), 'nothing'), ', zones give ',
    IFNULL(
      CAST(
        s.points_in_paint_allowed + s.mid_range_points_allowed + s.three_pt_points_allowed + s.opp_ft_makes AS STRING
      ),
      'nothing'
    )
  ) AS culprit
FROM {staged} AS s
LEFT JOIN nba_analytics.team_offense_game_summary AS o
  ON o.game_id = s.game_id AND o.team_abbr = s.opponent_team_abbr AND o.game_date BETWEEN @start_date AND @end_date
WHERE s.game_date BETWEEN @start_date AND @end_date
