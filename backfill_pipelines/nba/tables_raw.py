"""Contracts of ``nba_raw``: what the feed files become, and ``player_lines``, which merges the player sources."""

from backfill_pipelines.backfill.contracts import TableContract, parse_columns
from backfill_pipelines.nba.glossary import BOX, BOX_REQUIRED, GLOSSARY, PROVENANCE


def _raw(
    name: str,
    description: str,
    text: str,
    key: tuple[str, ...],
    cluster: tuple[str, ...],
    partition_column: str = "game_date",
) -> TableContract:
    columns = parse_columns(f"{text}\n{PROVENANCE}", GLOSSARY)
    return TableContract("nba_raw", name, description, columns, key, partition_column, cluster)


SCHEDULE = _raw(
    "nbac_schedule",
    "One row for each scheduled game and date: the source of truth of every expected set.",
    """
    game_id STRING!
    nba_game_id STRING!
    game_code STRING
    season STRING! season name, 2021-22
    season_year INT64!
    game_date DATE!
    game_time_utc TIMESTAMP tip-off, UTC
    game_status INT64! 1 scheduled, 2 live, 3 final
    game_status_text STRING status as the league words it
    is_postponed BOOL! the game was not played on this date
    game_type STRING! regular_season, play_in, playoff, all_star or cup_final, from the id prefix
    playoff_round STRING label of the playoff round
    series_game_number INT64 game number within its playoff series
    is_neutral BOOL! played at neither team's arena
    arena_name STRING name of the arena
    arena_city STRING city of the arena
    arena_state STRING state code of the arena
    home_team_id INT64 league id of the home team
    away_team_id INT64 league id of the away team
    home_team_tricode STRING! tricode of the home team
    away_team_tricode STRING! tricode of the away team
    home_team_score INT64 points of the home team
    away_team_score INT64 points of the away team
    winning_team_tricode STRING tricode of the winner; NULL before the final
    overtime_periods INT64
    """,
    ("nba_game_id", "game_date"),
    ("home_team_tricode", "away_team_tricode"),
)

_TEAM_COUNTS = "\n".join(
    f"{name} INT64! {text}"
    for name, text in (
        ("fg_made", "field goals made"),
        ("fg_attempted", "field goals attempted"),
        ("three_pt_made", "threes made"),
        ("three_pt_attempted", "threes attempted"),
        ("ft_made", "free throws made"),
        ("ft_attempted", "free throws attempted"),
        ("offensive_rebounds", "offensive rebounds"),
        ("defensive_rebounds", "defensive rebounds"),
        ("total_rebounds", "total rebounds"),
        ("assists", "assists"),
        ("steals", "steals"),
        ("blocks", "shots blocked"),
        ("turnovers", "turnovers, team turnovers included"),
        ("personal_fouls", "personal fouls"),
        ("points", "points scored"),
    )
)

TEAM_BOXSCORE = _raw(
    "nbac_team_boxscore",
    "One row for each team of a final game: its box-score totals.",
    f"""
    game_id STRING!
    nba_game_id STRING!
    game_date DATE!
    season_year INT64!
    team_id INT64!
    team_abbr STRING!
    opponent_team_abbr STRING!
    team_name STRING nickname of the team
    is_home BOOL!
    minutes STRING!
    minutes_total INT64! 240 and 25 for each overtime period
    {_TEAM_COUNTS}
    plus_minus INT64 final margin
    """,
    ("game_id", "team_abbr"),
    ("team_abbr",),
)

STARTING_LINEUPS = _raw(
    "nbac_starting_lineups",
    "One row for each player listed in a team box score, with his starting position or the reason of his absence.",
    """
    game_id STRING!
    game_date DATE!
    team_abbr STRING!
    nba_player_id INT64 league id of the player
    player_name STRING! name as the feed writes it
    player_lookup STRING!
    start_position STRING F, C or G for a starter
    is_starter BOOL! has a starting position
    comment STRING reason of an absence
    """,
    ("game_id", "player_lookup"),
    ("team_abbr",),
)

GAMEBOOK = _raw(
    "nbac_gamebook_player_stats",
    "One row for each player of a gamebook: active with his line, or dnp/inactive with the reason.",
    f"""
    game_id STRING!
    game_code STRING!
    game_date DATE!
    season_year INT64!
    home_team_abbr STRING!
    away_team_abbr STRING!
    team_abbr STRING
    player_name_original STRING! name as the gamebook writes it; inactive players have a last name only
    player_lookup STRING
    player_status STRING! active, dnp or inactive
    dnp_category STRING DNP, DND or NWT
    dnp_reason STRING reason as the gamebook words it
    name_resolution_status STRING! full_name, resolved_last_name, ambiguous_last_name or team_unknown
    minutes STRING
    minutes_decimal FLOAT64
    {BOX}
    plus_minus INT64
    """,
    ("game_id", "team_abbr", "player_name_original"),
    ("player_lookup",),
)

BDL_BOXSCORES = _raw(
    "bdl_player_boxscores",
    "One row for each player and game of the ball-dont-lie feed; minutes are whole there.",
    f"""
    game_id STRING!
    game_date DATE!
    season_year INT64!
    is_postseason BOOL play-in or playoff game
    period INT64 periods played
    home_team_abbr STRING!
    away_team_abbr STRING!
    team_abbr STRING!
    player_full_name STRING!
    player_lookup STRING!
    bdl_player_id INT64 the feed's own player id
    minutes STRING
    minutes_decimal FLOAT64
    {BOX}
    """,
    ("game_id", "player_lookup"),
    ("player_lookup",),
)

PLAYER_BOXSCORES = _raw(
    "nbac_player_boxscores",
    "One row for each player and game of the league's game log; used for cross-checks only.",
    f"""
    game_id STRING!
    nba_game_id STRING!
    game_date DATE!
    season_year INT64!
    season_type STRING Regular Season, PlayIn or Playoffs
    team_id INT64
    team_abbr STRING!
    nba_player_id INT64! league id of the player
    player_full_name STRING!
    player_lookup STRING!
    is_home BOOL!
    is_win BOOL! the player's team won
    minutes_decimal FLOAT64
    {BOX}
    plus_minus INT64
    """,
    ("game_id", "player_lookup"),
    ("player_lookup",),
)

PLAY_BY_PLAY = _raw(
    "bigdataball_play_by_play",
    "One row for each event of a game: who shot from where, who assisted, who blocked.",
    """
    game_id STRING!
    bdb_game_id INT64! the feed's game id, the league's without leading zeros
    game_date DATE!
    season_year INT64!
    event_sequence INT64! position of the event in the game
    period INT64! 1 to 4, then overtime
    remaining_seconds INT64 seconds left in the period
    elapsed_seconds INT64 seconds since the period began
    event_type STRING! shot, miss, free throw, start of period, ...
    event_subtype STRING kind of shot or event
    event_description STRING text of the event
    team_abbr STRING
    player_name STRING name of the acting player
    player_lookup STRING
    assist_player_lookup STRING join key of the assister
    block_player_lookup STRING join key of the blocker
    shot_made BOOL the attempt went in; NULL when the event is no attempt
    shot_type STRING 2PT, 3PT or FT; NULL when the event is no attempt
    shot_distance FLOAT64 feet from the basket
    points_scored INT64 points of the event
    original_x FLOAT64 tenths of a foot across, basket at 0
    original_y FLOAT64 tenths of a foot along, basket at 0
    """,
    ("game_id", "event_sequence"),
    ("game_id",),
)

ROSTERS = _raw(
    "espn_team_rosters",
    "One row for each player on a team's roster of a day; the newest roster of a team up to a date counts. Optional.",
    """
    roster_date DATE! day of the roster, US Eastern; the partition
    season_year INT64!
    team_abbr STRING!
    espn_player_id STRING! the feed's own player id
    player_full_name STRING!
    player_lookup STRING!
    jersey_number STRING number on the shirt; 00 is not 0
    position STRING position as the feed words it
    age INT64 age in years on the day of the roster; few captures have it
    """,
    ("roster_date", "team_abbr", "espn_player_id"),
    ("team_abbr", "player_lookup"),
    partition_column="roster_date",
)

INJURIES = _raw(
    "nbac_injury_report",
    "One row for each player of an hourly injury report; the latest report before tip-off counts. Optional.",
    """
    report_date DATE! day of the report, US Eastern
    report_hour INT64! hour of the report, 0 to 23, US Eastern
    game_date DATE!
    game_id STRING
    matchup STRING away@home, as the report writes it
    team_abbr STRING
    player_name_original STRING! name as the report writes it: last name, first name
    player_lookup STRING!
    injury_status STRING! out, doubtful, questionable, probable or available
    reason STRING reason as the report words it
    confidence_score FLOAT64 0 to 1: how sure the reading of the report is; rows below 0.8 are not used
    """,
    ("game_date", "report_hour", "player_lookup"),
    ("player_lookup",),
)

GAME_LINES = _raw(
    "odds_api_game_lines",
    "One row for each outcome of a bookmaker's spread or total at a snapshot before tip-off. Optional.",
    """
    game_id STRING!
    game_date DATE!
    odds_api_event_id STRING! the feed's event id
    snapshot_timestamp TIMESTAMP! when the line stood, UTC
    commence_time TIMESTAMP! announced tip-off, UTC
    home_team_abbr STRING!
    away_team_abbr STRING!
    bookmaker_key STRING! key of the bookmaker
    market_key STRING! spreads or totals
    outcome_name STRING! tricode of the team of a spread; Over or Under of a total
    outcome_price FLOAT64 price of the outcome, decimal as the feed gives it
    outcome_point FLOAT64 the spread of the team, or the total
    """,
    ("game_id", "bookmaker_key", "market_key", "outcome_name", "snapshot_timestamp"),
    ("game_id", "bookmaker_key"),
)

PROPS = _raw(
    "odds_api_player_points_props",
    "One row for each bookmaker's points line of a player at a snapshot before tip-off. Optional.",
    """
    game_id STRING!
    game_date DATE!
    odds_api_event_id STRING! the feed's event id
    snapshot_timestamp TIMESTAMP! when the line stood, UTC
    commence_time TIMESTAMP! announced tip-off, UTC
    bookmaker STRING! key of the bookmaker
    player_name STRING! name as the feed writes it
    player_lookup STRING!
    points_line FLOAT64! the over/under line in points
    over_price FLOAT64 price of the over
    under_price FLOAT64 price of the under
    """,
    ("game_id", "bookmaker", "player_lookup", "points_line", "snapshot_timestamp"),
    ("player_lookup",),
)

PLAYER_LINES = _raw(
    "player_lines",
    "One row for each player who appeared in a game: gamebook first, ball-dont-lie where the gamebook falls short. "
    "The only player source that phase 3 reads.",
    f"""
    game_id STRING!
    game_date DATE!
    season_year INT64!
    team_abbr STRING!
    opponent_team_abbr STRING!
    is_home BOOL!
    player_full_name STRING!
    player_lookup STRING!
    minutes_decimal FLOAT64
    {BOX_REQUIRED}
    plus_minus INT64
    source STRING! nbac_gamebook or bdl_boxscores
    """,
    ("game_id", "player_lookup"),
    ("player_lookup",),
)

RAW_TABLES = (
    SCHEDULE,
    TEAM_BOXSCORE,
    STARTING_LINEUPS,
    GAMEBOOK,
    BDL_BOXSCORES,
    PLAYER_BOXSCORES,
    PLAY_BY_PLAY,
    ROSTERS,
    INJURIES,
    GAME_LINES,
    PROPS,
    PLAYER_LINES,
)
