-- One item for each rule and date: points and team never NULL, minutes in at most 1 % of the rows, usage in at most
-- 2 % or two rows.
WITH counted AS (
  SELECT
    game_date,
    COUNT(*) AS row_count,
    COUNTIF(points IS NULL) AS no_points,
    COUNTIF(team_abbr IS NULL) AS no_team,
    COUNTIF(minutes_played IS NULL) AS no_minutes,
    COUNTIF(usage_rate IS NULL) AS no_usage
  FROM {staged}
  WHERE game_date BETWEEN @start_date AND @end_date
  GROUP BY game_date
),
rules AS (
  SELECT
    game_date,
    [
      STRUCT('points' AS name, no_points AS missing, CAST(0 AS FLOAT64) AS allowed),
      STRUCT('team_abbr', no_team, CAST(0 AS FLOAT64)),
      STRUCT('minutes_played', no_minutes, CAST(0.01 AS FLOAT64) * row_count),
      STRUCT('usage_rate', no_usage, GREATEST(CAST(2 AS FLOAT64), CAST(0.02 AS FLOAT64) * row_count))
    ] AS checks
  FROM counted
)
SELECT
  r.game_date AS partition_date,
  c.missing <= c.allowed AS ok,
  CONCAT(c.name, ' is NULL in ', CAST(c.missing AS STRING), ' rows') AS culprit
FROM rules AS r
CROSS JOIN UNNEST(r.checks) AS c
