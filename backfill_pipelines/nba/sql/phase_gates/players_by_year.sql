-- Grain: calendar year: expected dates of a range, and the mean points and the number of players over its rows.
WITH dates AS (
  SELECT EXTRACT(YEAR FROM partition_date) AS year, COUNT(DISTINCT partition_date) AS expected_dates
  FROM nba_reference.expected_games
  WHERE partition_date BETWEEN @start_date AND @end_date
  GROUP BY year
),
played AS (
  SELECT
    EXTRACT(YEAR FROM game_date) AS year,
    COUNT(*) AS row_count,
    AVG(points) AS mean_points,
    COUNT(DISTINCT player_lookup) AS players
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @start_date AND @end_date
  GROUP BY year
)
SELECT
  d.year,
  d.expected_dates,
  IFNULL(p.row_count, 0) AS row_count,
  CAST(ROUND(p.mean_points, 2) AS NUMERIC) AS mean_points,
  IFNULL(p.players, 0) AS players
FROM dates AS d
LEFT JOIN played AS p ON p.year = d.year
ORDER BY d.year
