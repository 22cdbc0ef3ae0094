"""Contracts of ``nba_analytics``: the phase 3 tables."""

from backfill_pipelines.backfill.contracts import TableContract, parse_columns
from backfill_pipelines.nba.glossary import GLOSSARY, LEDGER, QUALITY


def _analytics(name: str, description: str, text: str, key: tuple[str, ...], cluster: tuple[str, ...]) -> TableContract:
    columns = parse_columns(f"{text}\n{QUALITY}\n{LEDGER}", GLOSSARY)
    return TableContract("nba_analytics", name, description, columns, key, "game_date", cluster)


TEAM_OFFENSE = _analytics(
    "team_offense_game_summary",
    "One row for each team of a final game: what its offence did.",
    """
    game_id STRING!
    nba_game_id STRING!
    game_date DATE!
    season_year INT64!
    team_abbr STRING!
    opponent_team_abbr STRING!
    home_game BOOL!
    points_scored INT64! points of the team
    fg_makes INT64!
    fg_attempts INT64!
    three_pt_makes INT64!
    three_pt_attempts INT64!
    ft_makes INT64!
    ft_attempts INT64!
    rebounds INT64!
    offensive_rebounds INT64!
    defensive_rebounds INT64!
    assists INT64!
    steals INT64!
    blocks INT64!
    turnovers INT64! turnovers, team turnovers included
    personal_fouls INT64!
    minutes_total INT64! 240 and 25 for each overtime period
    overtime_periods INT64!
    possessions NUMERIC(6,2)! FGA + 0.44 * FTA + TO - OREB
    pace NUMERIC(6,2)! possessions per 48 minutes
    offensive_rating NUMERIC(6,2)! points per 100 possessions
    ts_pct NUMERIC(5,3)
    efg_pct NUMERIC(5,3)
    win_flag BOOL!
    margin_of_victory INT64!
    team_paint_attempts INT64 two-point attempts from at most 8 ft; NULL without play-by-play
    team_paint_makes INT64 two-point makes from at most 8 ft; NULL without play-by-play
    team_mid_range_attempts INT64 two-point attempts from beyond 8 ft; NULL without play-by-play
    team_mid_range_makes INT64 two-point makes from beyond 8 ft; NULL without play-by-play
    team_three_attempts_pbp INT64 three-point attempts in the play-by-play
    team_three_makes_pbp INT64 three-point makes in the play-by-play
    points_in_paint_scored INT64 two points for each make from the paint
    shot_zones_available BOOL! the game has play-by-play
    shot_zones_source STRING table of the zones; NULL without play-by-play
    players_inactive INT64
    second_chance_points_scored INT64 always NULL: in no feed
    referee_crew_id STRING
    """,
    ("game_id", "team_abbr"),
    ("team_abbr",),
)

PLAYER_SUMMARY = _analytics(
    "player_game_summary",
    "One row for each player who appeared in a game: box score, usage, shooting, shot zones.",
    """
    player_lookup STRING!
    player_full_name STRING!
    universal_player_id STRING always NULL: no player registry
    game_id STRING!
    game_date DATE!
    season_year INT64!
    team_abbr STRING!
    opponent_team_abbr STRING!
    home_game BOOL!
    points INT64!
    assists INT64!
    offensive_rebounds INT64!
    defensive_rebounds INT64!
    rebounds INT64!
    steals INT64!
    blocks INT64!
    turnovers INT64!
    personal_fouls INT64!
    fg_makes INT64!
    fg_attempts INT64!
    three_pt_makes INT64!
    three_pt_attempts INT64!
    ft_makes INT64!
    ft_attempts INT64!
    plus_minus INT64
    minutes_played NUMERIC(5,2) minutes, two decimals
    usage_rate NUMERIC(5,2) percent of the team's plays used while on the floor; NULL without minutes or above 100
    ts_pct NUMERIC(5,3)
    efg_pct NUMERIC(5,3)
    starter_flag BOOL! started; estimated from minutes where the game has no line-up
    win_flag BOOL! his team won
    paint_attempts INT64
    paint_makes INT64
    mid_range_attempts INT64
    mid_range_makes INT64
    three_attempts_pbp INT64
    three_makes_pbp INT64
    assisted_fg_makes INT64 makes with an assister; NULL without play-by-play
    unassisted_fg_makes INT64 makes without an assister; NULL without play-by-play
    paint_blocks INT64 shots from the paint that he blocked; NULL without play-by-play
    mid_range_blocks INT64 mid-range shots that he blocked; NULL without play-by-play
    three_pt_blocks INT64 threes that he blocked; NULL without play-by-play
    and1_count INT64 single free throws after a made shot; NULL if the feed has no free throws
    has_complete_shot_zones BOOL! zone attempts and makes equal the box score
    points_line NUMERIC(4,1) latest points line before tip-off; NULL without props
    opening_line NUMERIC(4,1) earliest points line of the same bookmaker
    line_movement NUMERIC(4,1) latest minus earliest line
    points_line_source STRING bookmaker of the line
    over_under_result STRING OVER, UNDER or PUSH; NULL without a line
    margin NUMERIC(6,2) points minus line
    is_active BOOL! always TRUE: only players who appeared have a row
    player_status STRING! always active
    is_dnp BOOL! no minutes and no points; 0.0 minutes is not a DNP
    primary_source_used STRING! nbac_gamebook or bdl_boxscores
    """,
    ("game_id", "player_lookup"),
    ("player_lookup", "team_abbr"),
)

TEAM_DEFENSE = _analytics(
    "team_defense_game_summary",
    "One row for each team of a final game: what its defence allowed.",
    """
    game_id STRING!
    game_date DATE!
    season_year INT64!
    defending_team_abbr STRING! tricode of the defending team
    opponent_team_abbr STRING!
    home_game BOOL!
    win_flag BOOL!
    margin_of_victory INT64!
    overtime_periods INT64!
    points_allowed INT64! points of the opponent
    opp_fg_makes INT64! field goals the opponent made
    opp_fg_attempts INT64! field goals the opponent tried
    opp_three_pt_makes INT64! threes the opponent made
    opp_three_pt_attempts INT64! threes the opponent tried
    opp_ft_makes INT64! free throws the opponent made
    opp_ft_attempts INT64! free throws the opponent tried
    opp_rebounds INT64! rebounds of the opponent
    opp_assists INT64! assists of the opponent
    turnovers_forced INT64! turnovers of the opponent
    fouls_committed INT64! personal fouls of the own team
    steals INT64!
    defensive_rebounds INT64!
    opp_paint_attempts INT64 opponent's attempts from the paint
    opp_paint_makes INT64 opponent's makes from the paint
    opp_mid_range_attempts INT64 opponent's mid-range attempts
    opp_mid_range_makes INT64 opponent's mid-range makes
    opp_three_attempts_pbp INT64 opponent's threes tried in the play-by-play
    opp_three_makes_pbp INT64 opponent's threes made in the play-by-play
    points_in_paint_allowed INT64 two points for each make from the paint allowed
    mid_range_points_allowed INT64 two points for each mid-range make allowed
    three_pt_points_allowed INT64 three points for each three allowed
    blocks_paint INT64 own blocks of shots from the paint; NULL without play-by-play
    blocks_mid_range INT64 own blocks of mid-range shots; NULL without play-by-play
    blocks_three_pt INT64 own blocks of threes; NULL without play-by-play
    defensive_rating NUMERIC(6,2)! opponent's points per 100 possessions
    opponent_pace NUMERIC(6,2)! opponent's possessions per 48 minutes
    opponent_ts_pct NUMERIC(5,3) opponent's true shooting
    players_inactive INT64
    second_chance_points_allowed INT64 always NULL: in no feed
    fast_break_points_allowed INT64 always NULL: in no feed
    referee_crew_id STRING
    """,
    ("game_id", "defending_team_abbr"),
    ("defending_team_abbr",),
)

ANALYTICS_TABLES = (TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE)
