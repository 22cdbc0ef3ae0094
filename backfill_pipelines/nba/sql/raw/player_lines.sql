-- Grain: (game_id, player_lookup): players who appeared.
-- Inputs, same dates: nbac_gamebook_player_stats, bdl_player_boxscores, nbac_team_boxscore, expected_games.
-- Gamebook rows come first. Where they do not add up to the team's points, attempts and rebounds, the players that
-- the gamebook lacks are taken from ball-dont-lie: player by player, never game by game.
WITH gamebook AS (
  SELECT * FROM nba_raw.nbac_gamebook_player_stats
  WHERE game_date BETWEEN @start_date AND @end_date
    AND player_status = 'active' AND team_abbr IS NOT NULL AND player_lookup IS NOT NULL
),
sums AS (
  SELECT
    game_id,
    team_abbr,
    SUM(points) AS points,
    SUM(field_goals_attempted) AS attempts,
    SUM(total_rebounds) AS rebounds
  FROM gamebook
  GROUP BY game_id, team_abbr
),
closed AS (
  SELECT t.game_id, t.team_abbr
  FROM nba_raw.nbac_team_boxscore AS t
  JOIN sums AS s
    ON s.game_id = t.game_id AND s.team_abbr = t.team_abbr
    AND s.points = t.points AND s.attempts = t.fg_attempted AND s.rebounds = t.total_rebounds
  WHERE t.game_date BETWEEN @start_date AND @end_date
),
fallback AS (
  SELECT b.*
  FROM nba_raw.bdl_player_boxscores AS b
  LEFT JOIN closed AS c ON c.game_id = b.game_id AND c.team_abbr = b.team_abbr
  LEFT JOIN gamebook AS g ON g.game_id = b.game_id AND g.player_lookup = b.player_lookup
  WHERE b.game_date BETWEEN @start_date AND @end_date
    AND c.game_id IS NULL
    AND g.game_id IS NULL
    -- A row of nothing but zeros is how this feed lists an absent player.
    AND (
      IFNULL(b.minutes_decimal, 0) > 0
      OR b.points + b.field_goals_attempted + b.free_throws_attempted + b.total_rebounds + b.assists
        + b.steals + b.blocks + b.turnovers + b.personal_fouls > 0
    )
),
lines AS (
  SELECT
    game_id, game_date, season_year, team_abbr, player_name_original AS player_full_name, player_lookup,
    minutes_decimal, points, field_goals_made, field_goals_attempted, three_pointers_made, three_pointers_attempted,
    free_throws_made, free_throws_attempted, offensive_rebounds, defensive_rebounds, total_rebounds, assists, steals,
    blocks, turnovers, personal_fouls, plus_minus, 'nbac_gamebook' AS source, source_file_path, capture_ts
  FROM gamebook
  UNION ALL
  SELECT
    game_id, game_date, season_year, team_abbr, player_full_name, player_lookup,
    minutes_decimal, points, field_goals_made, field_goals_attempted, three_pointers_made, three_pointers_attempted,
    free_throws_made, free_throws_attempted, offensive_rebounds, defensive_rebounds, total_rebounds, assists, steals,
    blocks, turnovers, personal_fouls, CAST(NULL AS INT64) AS plus_minus, 'bdl_boxscores' AS source,
    source_file_path, capture_ts
  FROM fallback
)
SELECT
  l.*,
  IF(l.team_abbr = e.home_team_tricode, e.away_team_tricode, e.home_team_tricode) AS opponent_team_abbr,
  l.team_abbr = e.home_team_tricode AS is_home
FROM lines AS l
JOIN nba_reference.expected_games AS e ON e.game_id = l.game_id AND e.partition_date = l.game_date
