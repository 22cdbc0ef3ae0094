-- One row: players of a range whose match-up of zones has both inputs, and how many of them score zero.
-- Both inputs: his row of player_shot_zone_analysis has rates, the opponent's of team_defense_zone_analysis is there.
SELECT
  COUNT(*) AS row_count,
  IFNULL(SUM(IF(f.shot_zone_mismatch_score = 0, 1, 0)), 0) AS zeros
FROM nba_precompute.player_composite_factors AS f
JOIN nba_precompute.player_shot_zone_analysis AS p
  ON p.analysis_date = f.analysis_date
  AND p.player_lookup = f.player_lookup
  AND p.paint_rate_last_10 IS NOT NULL
  AND p.analysis_date BETWEEN @start_date AND @end_date
JOIN nba_precompute.team_defense_zone_analysis AS d
  ON d.analysis_date = f.analysis_date
  AND d.team_abbr = f.opponent_team_abbr
  AND d.analysis_date BETWEEN @start_date AND @end_date
WHERE f.analysis_date BETWEEN @start_date AND @end_date
