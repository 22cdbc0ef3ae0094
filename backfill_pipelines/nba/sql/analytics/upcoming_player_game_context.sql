-- Grain: (game_id, player_lookup), one row for each row of player_lines; of that table only who played, where, for whom.
-- Inputs of the same dates: player_lines, upcoming_team_game_context, odds_api_player_points_props,
-- nbac_injury_report, espn_team_rosters (up to the date); of earlier dates player_game_summary, player_lines (counted),
-- team_offense_game_summary, team_defense_game_summary; nbac_schedule 7 days ahead.
-- Past dates only: a date becomes a partition on the day after, and until its games are final the schedule's gate is
-- red. The other universe that the specification names, rosters of teams that play today or later, has no partition.
-- No season has 270 days, so 270 days back is all of it.
WITH universe AS (
  SELECT
    l.player_lookup, l.game_id, l.game_date, l.season_year, l.team_abbr, l.opponent_team_abbr, l.is_home
  FROM nba_raw.player_lines AS l
  WHERE l.game_date BETWEEN @start_date AND @end_date
),
injuries AS (
  SELECT
    game_date, team_abbr, player_lookup, injury_status, reason, 24 * UNIX_DATE(report_date) + report_hour AS hour
  FROM nba_raw.nbac_injury_report
  WHERE game_date BETWEEN @start_date AND @end_date AND confidence_score >= 0.8
),
-- Of each team, the hour of the latest report before tip-off; reports are dated in Eastern time.
reports AS (
  SELECT s.game_id, s.game_date, s.season_year, team, MAX(r.hour) AS hour
  FROM nba_raw.nbac_schedule AS s
  CROSS JOIN UNNEST([s.home_team_tricode, s.away_team_tricode]) AS team
  JOIN (SELECT DISTINCT game_date, hour FROM injuries) AS r ON r.game_date = s.game_date
  JOIN nba_reference.timezone_offsets AS o
    ON o.timezone = 'America/New_York' AND s.game_date BETWEEN o.from_date AND o.to_date
  WHERE s.game_date BETWEEN @start_date AND @end_date
    AND o.from_date >= DATE '2021-10-19'
    AND NOT s.is_postponed
    AND IFNULL((r.hour - o.offset_hours) * 3600000000 < UNIX_MICROS(s.game_time_utc), TRUE)
  GROUP BY s.game_id, s.game_date, s.season_year, team
),
listed AS (
  SELECT r.game_id, r.game_date, r.season_year, r.team, i.player_lookup, i.injury_status, i.reason
  FROM reports AS r
  JOIN injuries AS i ON i.game_date = r.game_date AND i.team_abbr = r.team AND i.hour = r.hour
),
counted AS (
  SELECT
    player_lookup, season_year, game_date, UNIX_DATE(game_date) AS day, points, minutes_played, usage_rate,
    fg_makes, fg_attempts, is_production_ready
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
    AND (minutes_played > 0 OR fg_attempts > 0 OR ft_attempts > 0 OR points > 0)
),
gaps AS (
  SELECT
    *,
    ROW_NUMBER() OVER player AS n,
    LAG(day) OVER player AS previous_day
  FROM counted
  WINDOW player AS (PARTITION BY player_lookup, season_year ORDER BY day)
),
-- What a player's newest games say after his n-th of the season.
states AS (
  SELECT
    player_lookup, season_year, n, day AS last_day, previous_day,
    MAX(IF(day - previous_day >= 2, day, NULL)) OVER so_far AS rested_day,
    LEAST(n, 5) AS games_5,
    LEAST(n, 10) AS games_10,
    SUM(points) OVER last_5 AS points_5,
    SUM(points) OVER last_10 AS points_10,
    SUM(minutes_played) OVER last_10 AS minutes_10,
    COUNT(minutes_played) OVER last_10 AS timed_10,
    SUM(usage_rate) OVER last_3 AS usage_3,
    COUNT(usage_rate) OVER last_3 AS usages_3,
    SUM(usage_rate) OVER last_7 AS usage_7,
    COUNT(usage_rate) OVER last_7 AS usages_7,
    SUM(fg_makes) OVER last_5 AS makes_5,
    SUM(fg_attempts) OVER last_5 AS attempts_5,
    SUM(fg_makes) OVER so_far AS makes,
    SUM(fg_attempts) OVER so_far AS attempts,
    LOGICAL_AND(is_production_ready) OVER so_far AS is_ready
  FROM gaps
  WINDOW
    so_far AS (PARTITION BY player_lookup, season_year ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    last_3 AS (PARTITION BY player_lookup, season_year ORDER BY n ROWS BETWEEN 2 PRECEDING AND CURRENT ROW),
    last_5 AS (PARTITION BY player_lookup, season_year ORDER BY n ROWS BETWEEN 4 PRECEDING AND CURRENT ROW),
    last_7 AS (PARTITION BY player_lookup, season_year ORDER BY n ROWS BETWEEN 6 PRECEDING AND CURRENT ROW),
    last_10 AS (PARTITION BY player_lookup, season_year ORDER BY n ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
),
-- Every date on which something is asked of a player, among his counted games: windows by date see only the latter.
timeline AS (
  SELECT
    player_lookup, season_year, day, FALSE AS is_asked, 1 AS is_game, 0 AS is_line, minutes_played,
    IF(day - previous_day = 1, 1, 0) AS is_pair
  FROM gaps
  UNION ALL
  SELECT player_lookup, season_year, UNIX_DATE(game_date), FALSE, 0, 1, NULL, 0
  FROM nba_raw.player_lines
  WHERE game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
    AND (
      minutes_decimal > 0 OR field_goals_attempted > 0 OR free_throws_attempted > 0 OR points > 0
    )
  UNION ALL
  SELECT player_lookup, season_year, UNIX_DATE(game_date), TRUE, 0, 0, NULL, 0
  FROM (
    SELECT player_lookup, season_year, game_date FROM universe
    UNION DISTINCT
    SELECT player_lookup, season_year, game_date FROM listed
  )
),
windowed AS (
  SELECT
    player_lookup, season_year, day, is_asked,
    IFNULL(SUM(is_game) OVER season, 0) AS games,
    IFNULL(SUM(is_line) OVER season, 0) AS lines,
    IFNULL(SUM(is_game) OVER last_7, 0) AS games_7,
    IFNULL(SUM(is_game) OVER last_14, 0) AS games_14,
    IFNULL(SUM(minutes_played) OVER last_7, 0) AS minutes_7,
    IFNULL(SUM(minutes_played) OVER last_14, 0) AS minutes_14,
    -- The later game of a pair must lie a day inside the window, for the earlier one to be in it too.
    IFNULL(SUM(is_pair) OVER last_13, 0) AS pairs_14
  FROM timeline
  WINDOW
    season AS (PARTITION BY player_lookup, season_year ORDER BY day RANGE BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
    last_7 AS (PARTITION BY player_lookup, season_year ORDER BY day RANGE BETWEEN 7 PRECEDING AND 1 PRECEDING),
    last_13 AS (PARTITION BY player_lookup, season_year ORDER BY day RANGE BETWEEN 13 PRECEDING AND 1 PRECEDING),
    last_14 AS (PARTITION BY player_lookup, season_year ORDER BY day RANGE BETWEEN 14 PRECEDING AND 1 PRECEDING)
),
asked AS (
  SELECT * FROM windowed WHERE is_asked
),
absent AS (
  SELECT
    l.game_id, l.team, l.player_lookup, l.injury_status, l.reason,
    l.injury_status IN ('out', 'doubtful') AND w.games >= 5 AND (
      s.points_10 >= 18 * s.games_10 OR (s.minutes_10 >= 28 * s.timed_10 AND s.points_10 >= 12 * s.games_10)
    ) AS is_star_out
  FROM listed AS l
  JOIN asked AS w
    ON w.player_lookup = l.player_lookup AND w.season_year = l.season_year AND w.day = UNIX_DATE(l.game_date)
  LEFT JOIN states AS s ON s.player_lookup = l.player_lookup AND s.season_year = l.season_year AND s.n = w.games
),
sick_lists AS (
  SELECT
    r.game_id, r.team,
    COUNT(IF(a.injury_status = 'questionable', 1, NULL)) AS questionable,
    COUNT(IF(a.injury_status = 'probable', 1, NULL)) AS probable,
    COUNT(IF(a.is_star_out, 1, NULL)) AS stars_out
  FROM reports AS r
  LEFT JOIN absent AS a ON a.game_id = r.game_id AND a.team = r.team
  GROUP BY r.game_id, r.team
),
team_games AS (
  SELECT
    o.team_abbr, o.season_year, UNIX_DATE(o.game_date) AS day, o.pace, d.defensive_rating,
    SAFE_DIVIDE(CAST(d.opp_ft_attempts AS FLOAT64), CAST(d.opponent_pace AS FLOAT64)) AS ft_rate,
    IF(o.win_flag, 1, 0) AS won
  FROM nba_analytics.team_offense_game_summary AS o
  LEFT JOIN nba_analytics.team_defense_game_summary AS d
    ON d.game_id = o.game_id
    AND d.defending_team_abbr = o.team_abbr
    AND d.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
  WHERE o.game_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
),
-- What a team's newest games say after a game, good from the day after until its next game.
team_states AS (
  SELECT
    team_abbr, season_year, day,
    IFNULL(LEAD(day) OVER season, day + 270) AS next_day,
    SAFE_DIVIDE(CAST(SUM(pace) OVER last_10 AS FLOAT64), COUNT(pace) OVER last_10) AS pace,
    SAFE_DIVIDE(CAST(SUM(defensive_rating) OVER last_10 AS FLOAT64), COUNT(defensive_rating) OVER last_10) AS rating,
    AVG(ft_rate) OVER last_10 AS ft_rate,
    SAFE_DIVIDE(CAST(SUM(won) OVER so_far AS FLOAT64), COUNT(*) OVER so_far) AS win_share
  FROM team_games
  WINDOW
    season AS (PARTITION BY team_abbr, season_year ORDER BY day),
    so_far AS (PARTITION BY team_abbr, season_year ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
    last_10 AS (PARTITION BY team_abbr, season_year ORDER BY day ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
),
contexts AS (
  SELECT * FROM nba_analytics.upcoming_team_game_context WHERE game_date BETWEEN @start_date AND @end_date
),
ahead AS (
  SELECT
    s.game_date, team,
    IF(team = s.home_team_tricode, s.away_team_tricode, s.home_team_tricode) AS opponent
  FROM nba_raw.nbac_schedule AS s
  CROSS JOIN UNNEST([s.home_team_tricode, s.away_team_tricode]) AS team
  WHERE s.game_date BETWEEN @start_date AND DATE_ADD(@end_date, INTERVAL 7 DAY)
    AND NOT s.is_postponed
    AND s.game_type IN ('regular_season', 'play_in', 'playoff')
),
sides AS (
  SELECT
    c.game_id, c.team_abbr, c.season_phase, c.next_game_days_rest, c.games_in_next_7_days,
    c.travel_miles, c.time_zone_changes, c.consecutive_road_games, c.miles_traveled_last_14_days,
    c.game_spread, c.spread_movement, c.game_total, c.total_movement, c.game_spread_source,
    v.team_days_rest AS opponent_days_rest,
    v.games_in_next_7_days AS opponent_games_in_next_7_days,
    v.next_game_days_rest AS opponent_next_game_days_rest,
    c.is_production_ready AND v.is_production_ready AS is_ready,
    own.pace AS own_pace,
    opp.pace AS opponent_pace,
    opp.rating AS opponent_rating,
    opp.ft_rate AS opponent_ft_rate,
    nxt.win_share AS next_opponent_win_share
  FROM contexts AS c
  LEFT JOIN contexts AS v ON v.game_id = c.game_id AND v.team_abbr = c.opponent_team_abbr
  LEFT JOIN ahead AS a
    ON a.team = c.team_abbr AND UNIX_DATE(a.game_date) = UNIX_DATE(c.game_date) + c.next_game_days_rest
  LEFT JOIN team_states AS own
    ON own.team_abbr = c.team_abbr AND own.season_year = c.season_year
    AND UNIX_DATE(c.game_date) > own.day AND UNIX_DATE(c.game_date) <= own.next_day
  LEFT JOIN team_states AS opp
    ON opp.team_abbr = c.opponent_team_abbr AND opp.season_year = c.season_year
    AND UNIX_DATE(c.game_date) > opp.day AND UNIX_DATE(c.game_date) <= opp.next_day
  LEFT JOIN team_states AS nxt
    ON nxt.team_abbr = a.opponent AND nxt.season_year = c.season_year
    AND UNIX_DATE(c.game_date) > nxt.day AND UNIX_DATE(c.game_date) <= nxt.next_day
),
props AS (
  SELECT
    *,
    DENSE_RANK() OVER (
      PARTITION BY game_date, player_lookup
      ORDER BY CASE bookmaker WHEN 'draftkings' THEN 0 WHEN 'fanduel' THEN 1 ELSE 2 END, bookmaker
    ) AS choice
  FROM nba_raw.odds_api_player_points_props
  WHERE game_date BETWEEN @start_date AND @end_date AND snapshot_timestamp < commence_time
),
snapshots AS (
  SELECT
    *,
    ROW_NUMBER() OVER (
      PARTITION BY game_date, player_lookup ORDER BY snapshot_timestamp DESC, points_line
    ) AS from_last,
    ROW_NUMBER() OVER (PARTITION BY game_date, player_lookup ORDER BY snapshot_timestamp, points_line) AS from_first
  FROM props
  WHERE choice = 1
),
betting AS (
  SELECT
    game_date, player_lookup,
    MAX(IF(from_last = 1, points_line, NULL)) AS latest,
    MAX(IF(from_first = 1, points_line, NULL)) AS opening,
    MAX(bookmaker) AS bookmaker
  FROM snapshots
  GROUP BY game_date, player_lookup
),
-- Earlier games of the players who have a line, each beside the last one above and the last one below it.
against_line AS (
  SELECT
    b.game_date, b.player_lookup, g.n, g.points > b.latest AS is_over, g.points < b.latest AS is_under,
    MAX(IF(g.points > b.latest, g.n, 0)) OVER one_line AS last_over,
    MAX(IF(g.points < b.latest, g.n, 0)) OVER one_line AS last_under
  FROM betting AS b
  JOIN universe AS u ON u.game_date = b.game_date AND u.player_lookup = b.player_lookup
  JOIN gaps AS g
    ON g.player_lookup = u.player_lookup AND g.season_year = u.season_year AND g.game_date < u.game_date
  WINDOW one_line AS (PARTITION BY b.game_date, b.player_lookup)
),
streaks AS (
  SELECT
    game_date, player_lookup,
    COUNT(IF(is_over AND n > last_under, 1, NULL)) AS over_streak,
    COUNT(IF(is_under AND n > last_over, 1, NULL)) AS under_streak
  FROM against_line
  GROUP BY game_date, player_lookup
),
ages AS (
  SELECT
    player_lookup, season_year, roster_date, age,
    LEAD(roster_date) OVER (PARTITION BY player_lookup, season_year ORDER BY roster_date) AS next_roster_date
  FROM (
    SELECT player_lookup, season_year, roster_date, MAX(age) AS age
    FROM nba_raw.espn_team_rosters
    WHERE roster_date BETWEEN DATE_SUB(@start_date, INTERVAL 270 DAY) AND @end_date
    GROUP BY player_lookup, season_year, roster_date
  )
)
SELECT
  u.player_lookup,
  CAST(NULL AS STRING) AS universal_player_id,
  u.game_id,
  u.game_date,
  u.season_year,
  u.team_abbr,
  u.opponent_team_abbr,
  u.is_home AS home_game,
  t.season_phase,
  w.day - s.last_day AS days_rest,
  IFNULL(w.day - s.last_day = 1, FALSE) AS back_to_back,
  s.last_day - s.previous_day AS days_rest_before_last_game,
  w.day - s.rested_day AS days_since_2_plus_days_rest,
  w.games_7 AS games_in_last_7_days,
  w.games_14 AS games_in_last_14_days,
  CAST(ROUND(CAST(w.minutes_7 AS FLOAT64)) AS INT64) AS minutes_in_last_7_days,
  CAST(ROUND(CAST(w.minutes_14 AS FLOAT64)) AS INT64) AS minutes_in_last_14_days,
  w.pairs_14 AS back_to_backs_last_14_days,
  CAST(ROUND(SAFE_DIVIDE(CAST(w.minutes_7 AS FLOAT64), w.games_7), 1) AS NUMERIC) AS avg_minutes_per_game_last_7,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.points_5 AS FLOAT64), s.games_5), 1) AS NUMERIC) AS points_avg_last_5,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.points_10 AS FLOAT64), s.games_10), 1) AS NUMERIC) AS points_avg_last_10,
  IFNULL(s.games_5, 0) AS l5_games_used,
  IFNULL(s.games_10, 0) AS l10_games_used,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.usage_3 AS FLOAT64), s.usages_3), 2) AS NUMERIC) AS projected_usage_rate,
  CAST(ROUND(SAFE_DIVIDE(CAST(s.usage_7 AS FLOAT64), s.usages_7), 2) AS NUMERIC) AS avg_usage_rate_last_7_games,
  CAST(
    ROUND(
      SAFE_DIVIDE(CAST(s.makes AS FLOAT64), s.attempts) - SAFE_DIVIDE(CAST(s.makes_5 AS FLOAT64), s.attempts_5), 3
    ) AS NUMERIC
  ) AS shooting_pct_decline_last_5,
  CAST(ROUND(t.own_pace - t.opponent_pace, 2) AS NUMERIC) AS pace_differential,
  CAST(ROUND(t.opponent_pace, 1) AS NUMERIC) AS opponent_pace_last_10,
  CAST(ROUND(t.opponent_rating, 2) AS NUMERIC) AS opponent_def_rating_last_10,
  CAST(ROUND(t.opponent_ft_rate, 3) AS NUMERIC) AS opponent_ft_rate_allowed,
  t.opponent_days_rest,
  t.opponent_games_in_next_7_days,
  t.opponent_next_game_days_rest,
  t.next_game_days_rest,
  t.games_in_next_7_days,
  CAST(ROUND(t.next_opponent_win_share, 3) AS NUMERIC) AS next_opponent_win_pct,
  t.travel_miles,
  t.time_zone_changes,
  t.consecutive_road_games,
  t.miles_traveled_last_14_days,
  b.latest IS NOT NULL AS has_prop_line,
  CAST(ROUND(b.latest, 1) AS NUMERIC) AS current_points_line,
  CAST(ROUND(b.opening, 1) AS NUMERIC) AS opening_points_line,
  CAST(ROUND(b.latest - b.opening, 1) AS NUMERIC) AS line_movement,
  b.bookmaker AS current_points_line_source,
  IF(b.latest IS NULL, NULL, IFNULL(k.over_streak, 0)) AS prop_over_streak,
  IF(b.latest IS NULL, NULL, IFNULL(k.under_streak, 0)) AS prop_under_streak,
  t.game_spread,
  t.spread_movement,
  t.game_total,
  t.total_movement,
  t.game_spread_source,
  a.injury_status AS player_status,
  a.reason AS injury_report,
  l.questionable - IF(IFNULL(a.injury_status, '') = 'questionable', 1, 0) AS questionable_teammates,
  l.probable - IF(IFNULL(a.injury_status, '') = 'probable', 1, 0) AS probable_teammates,
  l.stars_out - IF(IFNULL(a.is_star_out, FALSE), 1, 0) AS star_teammates_out,
  y.age AS player_age,
  CAST(NULL AS INT64) AS fourth_quarter_minutes_last_7,
  CAST(NULL AS INT64) AS clutch_minutes_last_7_games,
  CAST(NULL AS INT64) AS fourth_quarter_production_last_7,
  CAST(NULL AS INT64) AS spread_public_betting_pct,
  CAST(NULL AS INT64) AS total_public_betting_pct,
  CASE WHEN w.games >= 10 THEN 'gold' WHEN w.games >= 5 THEN 'silver' ELSE 'bronze' END AS quality_tier,
  CAST(CASE WHEN w.games >= 10 THEN 95 WHEN w.games >= 5 THEN 75 ELSE 50 END AS NUMERIC) AS quality_score,
  ARRAY(
    SELECT issue
    FROM UNNEST([
      IF(w.games >= 10, NULL, CONCAT('thin_sample:', CAST(w.games AS STRING), '/10')),
      IF(t.game_spread IS NULL OR t.game_total IS NULL, 'missing_game_lines', NULL),
      IF(l.game_id IS NULL, 'missing_injury_report', NULL),
      IF(b.latest IS NULL, 'missing_prop_line', NULL),
      IF(LEAST(w.games, 10) = LEAST(w.lines, 10), NULL, 'historical_gap'),
      IF(IFNULL(t.is_ready, FALSE) AND IFNULL(s.is_ready, TRUE), NULL, 'upstream_incomplete')
    ]) AS issue
    WHERE issue IS NOT NULL
  ) AS data_quality_issues,
  ARRAY(
    SELECT source
    FROM UNNEST([
      'player_lines',
      'upcoming_team_game_context',
      IF(w.games = 0, NULL, 'player_game_summary'),
      IF(t.opponent_pace IS NULL, NULL, 'team_offense_game_summary'),
      IF(t.opponent_rating IS NULL, NULL, 'team_defense_game_summary'),
      IF(b.latest IS NULL, NULL, 'odds_api_player_points_props'),
      IF(l.game_id IS NULL, NULL, 'nbac_injury_report'),
      IF(y.age IS NULL, NULL, 'espn_team_rosters')
    ]) AS source
    WHERE source IS NOT NULL
  ) AS data_sources,
  IFNULL(t.is_ready, FALSE) AND IFNULL(s.is_ready, TRUE) AND LEAST(w.games, 10) = LEAST(w.lines, 10)
    AS is_production_ready,
  LEAST(w.lines, 10) AS expected_games_count,
  LEAST(w.games, 10) AS actual_games_count,
  LEAST(w.lines, 10) - LEAST(w.games, 10) AS missing_games_count,
  ROUND(SAFE_DIVIDE(CAST(100 * LEAST(w.games, 10) AS FLOAT64), LEAST(w.lines, 10)), 1) AS completeness_percentage,
  w.games >= 10 AS window_is_full
FROM universe AS u
JOIN asked AS w
  ON w.player_lookup = u.player_lookup AND w.season_year = u.season_year AND w.day = UNIX_DATE(u.game_date)
LEFT JOIN states AS s ON s.player_lookup = u.player_lookup AND s.season_year = u.season_year AND s.n = w.games
LEFT JOIN sides AS t ON t.game_id = u.game_id AND t.team_abbr = u.team_abbr
LEFT JOIN betting AS b ON b.game_date = u.game_date AND b.player_lookup = u.player_lookup
LEFT JOIN streaks AS k ON k.game_date = u.game_date AND k.player_lookup = u.player_lookup
LEFT JOIN sick_lists AS l ON l.game_id = u.game_id AND l.team = u.team_abbr
LEFT JOIN absent AS a ON a.game_id = u.game_id AND a.player_lookup = u.player_lookup
LEFT JOIN ages AS y
  ON y.player_lookup = u.player_lookup AND y.season_year = u.season_year
  AND u.game_date >= y.roster_date AND (y.next_roster_date IS NULL OR u.game_date < y.next_roster_date)
