-- One item for each team: shares and rating lie where basketball is played; a team without zones has no shares.
-- One item for each date and zone: differences to the league add up to nothing, unless the league was assumed.
WITH found AS (
  SELECT *
  FROM {staged}
  WHERE analysis_date BETWEEN @start_date AND @end_date
),
sums AS (
  SELECT
    analysis_date,
    COUNT(*) AS teams,
    [
      STRUCT('paint' AS zone, SUM(paint_defense_vs_league_avg) AS total),
      STRUCT('mid_range', SUM(mid_range_defense_vs_league_avg)),
      STRUCT('three_pt', SUM(three_pt_defense_vs_league_avg))
    ] AS zones
  FROM found
  GROUP BY analysis_date
)
SELECT
  analysis_date AS partition_date,
  IFNULL(paint_pct_allowed_last_15 BETWEEN 0.40 AND 0.75, TRUE)
    AND IFNULL(mid_range_pct_allowed_last_15 BETWEEN 0.20 AND 0.65, TRUE)
    AND IFNULL(three_pt_pct_allowed_last_15 BETWEEN 0.20 AND 0.50, TRUE)
    AND IFNULL(defensive_rating_last_15 BETWEEN 85 AND 140, FALSE) AS ok,
  CONCAT(
    team_abbr, ' paint ', IFNULL(FORMAT('%.3f', paint_pct_allowed_last_15), 'NULL'),
    ', mid-range ', IFNULL(FORMAT('%.3f', mid_range_pct_allowed_last_15), 'NULL'),
    ', three ', IFNULL(FORMAT('%.3f', three_pt_pct_allowed_last_15), 'NULL'),
    ', rating ', IFNULL(FORMAT('%.2f', defensive_rating_last_15), 'NULL')
  ) AS culprit
FROM found
UNION ALL
SELECT
  s.analysis_date AS partition_date,
  s.teams < 10 OR IFNULL(ABS(z.total) <= 0.5, TRUE) AS ok,
  CONCAT(
    z.zone, ' differences of ', CAST(s.teams AS STRING), ' teams add up to ', IFNULL(FORMAT('%.2f', z.total), 'NULL')
  ) AS culprit
FROM sums AS s
CROSS JOIN UNNEST(s.zones) AS z
