-- One item for each team row: the line obeys the consistency rules, minutes are 240 plus 25 for each overtime period.
SELECT
  game_date AS partition_date,
  points = 2 * (fg_made - three_pt_made) + 3 * three_pt_made + ft_made
    AND three_pt_made <= fg_made
    AND fg_made <= fg_attempted
    AND three_pt_made <= three_pt_attempted
    AND three_pt_attempted <= fg_attempted
    AND ft_made <= ft_attempted
    AND total_rebounds = offensive_rebounds + defensive_rebounds
    AND LEAST(three_pt_made, ft_made, offensive_rebounds, defensive_rebounds, assists, steals, blocks, turnovers,
      personal_fouls) >= 0
    AND minutes_total >= 240
    AND MOD(minutes_total - 240, 25) = 0 AS ok,
  CONCAT(game_id, '/', team_abbr, ', minutes ', CAST(minutes_total AS STRING)) AS culprit
FROM {staged}
WHERE game_date BETWEEN @start_date AND @end_date
