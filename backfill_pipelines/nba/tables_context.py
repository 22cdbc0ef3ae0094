"""Contracts of the two phase 3 tables that say what a team and a player bring into a game, known before tip-off."""

from backfill_pipelines.backfill.contracts import TableContract, parse_columns
from backfill_pipelines.nba.glossary import COMPLETENESS, GLOSSARY, LEDGER, QUALITY


def _context(name: str, description: str, text: str, key: tuple[str, ...], cluster: tuple[str, ...]) -> TableContract:
    columns = parse_columns(f"{text}\n{QUALITY}\n{COMPLETENESS}\n{LEDGER}", GLOSSARY)
    return TableContract("nba_analytics", name, description, columns, key, "game_date", cluster)


TEAM_CONTEXT = _context(
    "upcoming_team_game_context",
    "One row for each team of a game: its rest, form, travel and betting lines as they stood before tip-off.",
    """
    team_abbr STRING!
    game_id STRING!
    game_date DATE!
    season_year INT64!
    opponent_team_abbr STRING!
    home_game BOOL!
    season_phase STRING!
    game_start_time_local STRING tip-off HH:MM in the time zone of the home team
    team_days_rest INT64 calendar days since the team's last game, 1 is a back-to-back; NULL before the first game
    days_since_last_game INT64 same as team_days_rest
    team_back_to_back BOOL! the team also played yesterday
    is_back_to_back BOOL! same as team_back_to_back
    game_number_in_season INT64! final games of the team before the date, and this one
    games_in_last_7_days INT64! games of the team in the 7 days before the date
    games_in_last_14_days INT64! games of the team in the 14 days before the date
    back_to_backs_last_14_days INT64! pairs of games one day apart, both in the 14 days before the date
    team_win_streak_entering INT64! games won in a row, newest first, this season
    team_loss_streak_entering INT64! games lost in a row, newest first, this season
    last_game_margin INT64 points, own minus opponent's, of the last game; NULL before the first game
    last_game_result STRING W or L; NULL before the first game
    win_pct_entering NUMERIC(5,3) share of the season's games won, 0 to 1; NULL before the first game
    travel_miles INT64! great-circle miles from the arena of the last game to this one; 0 for the first game
    time_zone_changes INT64! hours between the clocks of those two arenas on the date
    consecutive_road_games INT64! road games in a row, this one included; 0 at home
    miles_traveled_last_14_days INT64! travel_miles of the team's games in the 14 days before the date, summed
    next_game_days_rest INT64 calendar days to the team's next game; NULL if none within 7 days
    games_in_next_7_days INT64 games of the team scheduled in the 7 days after the date; NULL if none
    game_spread NUMERIC(5,2) latest points spread of the team before tip-off, negative for the favourite
    game_total NUMERIC(5,1) latest over/under line of both teams' points before tip-off
    spread_movement NUMERIC(5,2) latest minus earliest spread of the same bookmaker
    total_movement NUMERIC(5,1) latest minus earliest total of the same bookmaker
    game_spread_source STRING bookmaker of the lines; NULL without odds
    betting_lines_updated_at TIMESTAMP when the latest of the lines stood, UTC; NULL without odds
    starters_out_count INT64 players out who started in one of the team's last 5 games; NULL without a report
    questionable_players_count INT64 players questionable or doubtful; NULL without a report
    """,
    ("game_id", "team_abbr"),
    ("team_abbr",),
)

PLAYER_CONTEXT = _context(
    "upcoming_player_game_context",
    "One row for each player who played: his rest, workload, form and line as they stood before tip-off. Past dates "
    "only: the last partition is yesterday, and what a date must hold follows from its finals. Who might play today "
    "is a question for predictions, which have no table here.",
    """
    player_lookup STRING!
    universal_player_id STRING always NULL: no player registry
    game_id STRING!
    game_date DATE!
    season_year INT64!
    team_abbr STRING!
    opponent_team_abbr STRING!
    home_game BOOL!
    season_phase STRING!
    days_rest INT64 calendar days since the player's last counted game, 1 is a back-to-back; NULL before the first
    back_to_back BOOL! the player also played yesterday
    days_rest_before_last_game INT64 calendar days between his last and his second last game; NULL before the second
    days_since_2_plus_days_rest INT64 days since his latest game that followed a gap of 2 days or more; NULL if none
    games_in_last_7_days INT64! his games in the 7 days before the date
    games_in_last_14_days INT64! his games in the 14 days before the date
    minutes_in_last_7_days INT64! his minutes in the 7 days before the date, summed, then rounded
    minutes_in_last_14_days INT64! his minutes in the 14 days before the date, summed, then rounded
    back_to_backs_last_14_days INT64! pairs of his games one day apart, both in the 14 days before the date
    avg_minutes_per_game_last_7 NUMERIC(5,1) minutes a game in the 7 days before the date; NULL without games
    points_avg_last_5 NUMERIC(5,1) mean points of his newest games, at most 5; NULL before the first game
    points_avg_last_10 NUMERIC(5,1) mean points of his newest games, at most 10; NULL before the first game
    l5_games_used INT64! games behind points_avg_last_5
    l10_games_used INT64! games behind points_avg_last_10
    projected_usage_rate NUMERIC(5,2) mean usage, percent, of his newest 3 games
    avg_usage_rate_last_7_games NUMERIC(5,2) mean usage, percent, of his newest 7 games
    shooting_pct_decline_last_5 NUMERIC(5,3) field goal share of the season minus that of the newest 5 games
    pace_differential NUMERIC(5,2) possessions per 48 minutes, own last 10 team games minus the opponent's last 10
    opponent_pace_last_10 NUMERIC(5,1) possessions per 48 minutes, opponent's last 10 games
    opponent_def_rating_last_10 NUMERIC(6,2) points allowed per 100 possessions, opponent's last 10 games
    opponent_ft_rate_allowed NUMERIC(5,3) free throws allowed per possession, opponent's last 10 games
    opponent_days_rest INT64 calendar days since the opponent's last game; NULL before its first
    opponent_games_in_next_7_days INT64 games of the opponent scheduled in the 7 days after the date; NULL if none
    opponent_next_game_days_rest INT64 calendar days to the opponent's next game; NULL if none within 7 days
    next_game_days_rest INT64 calendar days to the team's next game; NULL if none within 7 days
    games_in_next_7_days INT64 games of the team scheduled in the 7 days after the date; NULL if none
    next_opponent_win_pct NUMERIC(5,3) share of games won before the date by the next opponent within 7 days
    travel_miles INT64! great-circle miles from the arena of the team's last game to this one
    time_zone_changes INT64! hours between the clocks of those two arenas on the date
    consecutive_road_games INT64! road games of the team in a row, this one included; 0 at home
    miles_traveled_last_14_days INT64! miles of the team's games in the 14 days before the date
    has_prop_line BOOL! a bookmaker has a points line of the player before tip-off
    current_points_line NUMERIC(4,1) latest points line before tip-off; NULL without props
    opening_points_line NUMERIC(4,1) earliest points line of the same bookmaker
    line_movement NUMERIC(4,1) latest minus earliest line
    current_points_line_source STRING bookmaker of the line
    prop_over_streak INT64 newest games in a row above the current line, pushes passed over; NULL without a line
    prop_under_streak INT64 newest games in a row below the current line, pushes passed over; NULL without a line
    game_spread NUMERIC(5,2) latest points spread of his team before tip-off, negative for the favourite
    spread_movement NUMERIC(5,2) latest minus earliest spread of the same bookmaker
    game_total NUMERIC(5,1) latest over/under line of both teams' points before tip-off
    total_movement NUMERIC(5,1) latest minus earliest total of the same bookmaker
    game_spread_source STRING bookmaker of the lines; NULL without odds
    player_status STRING his status in the latest injury report, lower case; NULL if he is not in it
    injury_report STRING his reason in the latest injury report; NULL if he is not in it
    questionable_teammates INT64 teammates who are questionable; NULL without a report
    probable_teammates INT64 teammates who are probable; NULL without a report
    star_teammates_out INT64 out or doubtful with 18 points, or 28 minutes and 12 points; NULL without a report
    player_age INT64 years, from the newest roster up to the date; NULL without one
    fourth_quarter_minutes_last_7 INT64 always NULL: in no feed
    clutch_minutes_last_7_games INT64 always NULL: in no feed
    fourth_quarter_production_last_7 INT64 always NULL: in no feed
    spread_public_betting_pct INT64 always NULL: in no feed
    total_public_betting_pct INT64 always NULL: in no feed
    """,
    ("game_id", "player_lookup"),
    ("player_lookup",),
)

CONTEXT_TABLES = (TEAM_CONTEXT, PLAYER_CONTEXT)
