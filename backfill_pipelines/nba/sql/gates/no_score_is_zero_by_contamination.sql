-- One item for each player of a game: a mismatch of 0 is one that was computed, not one whose inputs were overlooked.
-- A share above one half counts as one half, so a product of 0.1 is a score of at least 0.05, which rounds to 0.1.
WITH inputs AS (
  SELECT
    s.analysis_date, s.game_id, s.player_lookup, s.shot_zone_mismatch_score,
    CASE p.primary_scoring_zone
      WHEN 'perimeter' THEN CAST(d.three_pt_defense_vs_league_avg AS FLOAT64) * CAST(p.three_pt_rate_last_10 AS FLOAT64)
      WHEN 'mid_range' THEN
        CAST(d.mid_range_defense_vs_league_avg AS FLOAT64) * CAST(p.mid_range_rate_last_10 AS FLOAT64)
      ELSE CAST(d.paint_defense_vs_league_avg AS FLOAT64) * CAST(p.paint_rate_last_10 AS FLOAT64)
    END / 50 AS product
  FROM {staged} AS s
  LEFT JOIN nba_precompute.player_shot_zone_analysis AS p
    ON p.analysis_date = s.analysis_date
    AND p.player_lookup = s.player_lookup
    AND p.analysis_date BETWEEN @start_date AND @end_date
  LEFT JOIN nba_precompute.team_defense_zone_analysis AS d
    ON d.analysis_date = s.analysis_date
    AND d.team_abbr = s.opponent_team_abbr
    AND d.analysis_date BETWEEN @start_date AND @end_date
  WHERE s.analysis_date BETWEEN @start_date AND @end_date
)
SELECT
  analysis_date AS partition_date,
  IFNULL(shot_zone_mismatch_score != 0 OR product IS NULL OR ABS(product) < 0.1, FALSE) AS ok,
  CONCAT(
    game_id, '/', player_lookup, ' mismatch ', IFNULL(FORMAT('%.1f', shot_zone_mismatch_score), 'NULL'),
    ', his zone and the defence against it give ', IFNULL(FORMAT('%.2f', product), 'NULL')
  ) AS culprit
FROM inputs
