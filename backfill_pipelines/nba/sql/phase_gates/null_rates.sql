-- Grain: column of player_game_summary: rows of a range, and in how many of them it is NULL.
SELECT c.name AS column_name, r.row_count, c.nulls
FROM (
  SELECT
    COUNT(*) AS row_count,
    [
      STRUCT('points' AS name, IFNULL(SUM(IF(points IS NULL, 1, 0)), 0) AS nulls),
      STRUCT('team_abbr' AS name, IFNULL(SUM(IF(team_abbr IS NULL, 1, 0)), 0) AS nulls),
      STRUCT('minutes_played' AS name, IFNULL(SUM(IF(minutes_played IS NULL, 1, 0)), 0) AS nulls),
      STRUCT('usage_rate' AS name, IFNULL(SUM(IF(usage_rate IS NULL, 1, 0)), 0) AS nulls)
    ] AS counted
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @start_date AND @end_date
) AS r
CROSS JOIN UNNEST(r.counted) AS c
ORDER BY c.name
