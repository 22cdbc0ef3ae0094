"""Contracts of ``nba_precompute``: the phase 4 tables. Their rows of a date read earlier games only, never the date's.

Every table has ``analysis_date``, the partition; tables of game rows also carry the name that readers of the original
know (``game_date``, ``cache_date``), equal to it.
"""

from backfill_pipelines.backfill.contracts import TableContract, parse_columns
from backfill_pipelines.nba.glossary import COMPLETENESS, GLOSSARY, LEDGER, QUALITY

_WORDS = GLOSSARY | {
    "analysis_date": "game date, US Eastern, before which everything was known; the partition",
    "universal_player_id": "always NULL: no player registry",
    "primary_scoring_zone": "paint, perimeter, mid_range or balanced, by the shares of his shots; NULL without shots",
    "paint_rate_last_10": "percent of his shots from the paint; NULL without shots",
    "mid_range_rate_last_10": "percent of his shots from mid-range; NULL without shots",
    "three_pt_rate_last_10": "percent of his shots from three; NULL without shots",
    "assisted_rate_last_10": "percent of his field goals that were assisted; NULL without makes",
}


def _precompute(
    name: str, description: str, text: str, key: tuple[str, ...], cluster: tuple[str, ...]
) -> TableContract:
    columns = parse_columns(f"{text}\n{QUALITY}\n{COMPLETENESS}\n{LEDGER}", _WORDS)
    return TableContract("nba_precompute", name, description, columns, key, "analysis_date", cluster)


TEAM_ZONES = _precompute(
    "team_defense_zone_analysis",
    "One row for each team and date: what its defence allowed by zone in its last 15 games.",
    """
    team_abbr STRING!
    analysis_date DATE!
    games_in_sample INT64! games of the window, at most 15
    paint_pct_allowed_last_15 NUMERIC(5,3) share of the opponents' shots from the paint that went in
    mid_range_pct_allowed_last_15 NUMERIC(5,3) share of the opponents' mid-range shots that went in
    three_pt_pct_allowed_last_15 NUMERIC(5,3) share of the opponents' threes that went in
    paint_attempts_allowed_per_game NUMERIC(5,1) opponents' shots from the paint, a game with zones
    mid_range_attempts_allowed_per_game NUMERIC(5,1) opponents' mid-range shots, a game with zones
    three_pt_attempts_allowed_per_game NUMERIC(5,1) opponents' threes, a game with zones
    paint_points_allowed_per_game NUMERIC(5,1) points from the paint allowed, a game with zones
    paint_blocks_per_game NUMERIC(4,1) own blocks of shots from the paint, a game with zones
    mid_range_blocks_per_game NUMERIC(4,1) own blocks of mid-range shots, a game with zones
    three_pt_blocks_per_game NUMERIC(4,1) own blocks of threes, a game with zones
    opponent_points_per_game NUMERIC(5,1) points allowed a game
    defensive_rating_last_15 NUMERIC(6,2) mean of the games' points allowed per 100 possessions
    opponent_pace NUMERIC(6,2) mean of the opponents' possessions per 48 minutes
    paint_defense_vs_league_avg NUMERIC(5,2) percentage points above the league's share in the paint: higher is worse
    mid_range_defense_vs_league_avg NUMERIC(5,2) percentage points above the league's mid-range share: higher is worse
    three_pt_defense_vs_league_avg NUMERIC(5,2) percentage points above the league's share of threes: higher is worse
    strongest_zone STRING zone with the lowest difference: paint, mid_range or perimeter; NULL without zones
    weakest_zone STRING zone with the highest difference; NULL without zones
    calculation_notes STRING games without zones, or a league average that is assumed; else NULL
    """,
    ("analysis_date", "team_abbr"),
    ("team_abbr",),
)

PLAYER_ZONES = _precompute(
    "player_shot_zone_analysis",
    "One row for each player with five games in the season and date: where he shot from in his last 10 games.",
    """
    player_lookup STRING!
    universal_player_id STRING
    analysis_date DATE!
    games_in_sample_10 INT64! counted games of the window, at most 10
    games_in_sample_20 INT64! counted games of the long window, at most 20
    games_with_zones_10 INT64! games of the window that have play-by-play
    total_shots_last_10 INT64! his shots in those games
    paint_rate_last_10 NUMERIC(5,2)
    mid_range_rate_last_10 NUMERIC(5,2)
    three_pt_rate_last_10 NUMERIC(5,2)
    paint_pct_last_10 NUMERIC(5,3) share of his shots from the paint that went in
    mid_range_pct_last_10 NUMERIC(5,3) share of his mid-range shots that went in
    three_pt_pct_last_10 NUMERIC(5,3) share of his threes that went in
    paint_attempts_per_game NUMERIC(4,1) shots from the paint, a game with zones
    mid_range_attempts_per_game NUMERIC(4,1) mid-range shots, a game with zones
    three_pt_attempts_per_game NUMERIC(4,1) threes, a game with zones
    assisted_rate_last_10 NUMERIC(5,2)
    unassisted_rate_last_10 NUMERIC(5,2) percent of his field goals that were not assisted; NULL without makes
    paint_rate_last_20 NUMERIC(5,2) percent of his shots from the paint, long window; NULL below 15 games
    paint_pct_last_20 NUMERIC(5,3) share of them that went in; NULL below 15 games
    primary_scoring_zone STRING
    player_position STRING from the season's newest roster up to the date; NULL without one
    """,
    ("analysis_date", "player_lookup"),
    ("player_lookup",),
)

COMPOSITE_FACTORS = _precompute(
    "player_composite_factors",
    "One row for each player of a game: fatigue, match-up of zones, pace and usage as scores.",
    """
    player_lookup STRING!
    universal_player_id STRING
    game_date DATE!
    analysis_date DATE!
    game_id STRING!
    team_abbr STRING!
    opponent_team_abbr STRING!
    fatigue_score INT64! 100 is rested, 0 is exhausted
    fatigue_adjustment NUMERIC(4,2)! (fatigue_score - 100) / 20
    shot_zone_mismatch_score NUMERIC(4,1)! -10 to 10: how weak the opponent is where he shoots from; 0 if not known
    pace_score NUMERIC(3,1)! -3 to 3: how much faster than usual the game is; 0 if not known
    usage_spike_score NUMERIC(3,1)! -3 to 3: how much more than usual he is used; 0 if not known
    referee_favorability_score NUMERIC(3,1)! always 0: deferred
    look_ahead_pressure_score NUMERIC(3,1)! always 0: deferred
    travel_impact_score NUMERIC(3,1)! always 0: deferred
    opponent_strength_score NUMERIC(3,1)! always 0: deferred
    total_composite_adjustment NUMERIC(5,2)! fatigue_adjustment and the scores, added
    fatigue_context_json STRING! inputs and terms of fatigue_score, JSON text
    shot_zone_context_json STRING! inputs and terms of shot_zone_mismatch_score, JSON text
    pace_context_json STRING! inputs and terms of pace_score, JSON text
    usage_context_json STRING! inputs and terms of usage_spike_score, JSON text
    calculation_version STRING! version of the formulas
    data_completeness_pct NUMERIC(5,2)! 20 for each of the five inputs that is there
    missing_data_fields ARRAY<STRING> the inputs that are not there; never NULL
    has_warnings BOOL! a score is extreme
    warning_details STRING which ones: EXTREME_FATIGUE, EXTREME_MATCHUP, EXTREME_ADJUSTMENT
    upstream_player_shot_ready BOOL! his row of player_shot_zone_analysis is there and ready
    upstream_team_defense_ready BOOL! the opponent's row of team_defense_zone_analysis is there and ready
    upstream_player_context_ready BOOL! his row of upcoming_player_game_context is ready
    upstream_team_context_ready BOOL! his team's row of upcoming_team_game_context is there and ready
    all_upstreams_ready BOOL! all four are there and ready
    """,
    ("analysis_date", "game_id", "player_lookup"),
    ("player_lookup",),
)

DAILY_CACHE = _precompute(
    "player_daily_cache",
    "One row for each player of a date who has five games in the season: his averages and workload before it.",
    """
    player_lookup STRING!
    universal_player_id STRING
    analysis_date DATE!
    cache_date DATE! same as analysis_date
    game_id STRING!
    team_abbr STRING!
    points_avg_last_5 NUMERIC(5,1)! mean points of his newest games, at most 5
    points_avg_last_10 NUMERIC(5,1)! mean points of his newest games, at most 10
    points_avg_season NUMERIC(5,1)! mean points of his games of the season
    points_std_last_10 NUMERIC(5,2)! sample standard deviation of his points, newest games, at most 10
    minutes_avg_last_10 NUMERIC(5,1) mean minutes of his newest games, at most 10
    minutes_avg_season NUMERIC(5,1) mean minutes of his games of the season
    usage_rate_last_10 NUMERIC(5,2) mean usage, percent, of his newest games, at most 10
    player_usage_rate_season NUMERIC(5,2) mean usage, percent, of his games of the season
    ts_pct_last_10 NUMERIC(5,3) true shooting of his newest games taken together, at most 10
    games_played_season INT64! his counted games of the season
    team_pace_last_10 NUMERIC(6,2)! mean possessions per 48 minutes of the team's newest games, at most 10
    team_off_rating_last_10 NUMERIC(6,2)! mean points per 100 possessions of the team's newest games, at most 10
    games_in_last_7_days INT64! his games in the 7 days before the date
    games_in_last_14_days INT64! his games in the 14 days before the date
    minutes_in_last_7_days INT64! his minutes in the 7 days before the date
    minutes_in_last_14_days INT64! his minutes in the 14 days before the date
    back_to_backs_last_14_days INT64! pairs of his games one day apart, both in the 14 days before the date
    avg_minutes_per_game_last_7 NUMERIC(5,1) minutes a game in the 7 days before the date; NULL without games
    player_age INT64 years, from the newest roster up to the date; NULL without one
    primary_scoring_zone STRING
    paint_rate_last_10 NUMERIC(5,2)
    three_pt_rate_last_10 NUMERIC(5,2)
    assisted_rate_last_10 NUMERIC(5,2)
    fourth_quarter_minutes_last_7 INT64 always NULL: in no feed
    early_season_flag BOOL! fewer than 10 games of the season
    insufficient_data_reason STRING how many games there are, while the flag is set; else NULL
    cache_version STRING! version of the columns
    """,
    ("analysis_date", "player_lookup"),
    ("player_lookup",),
)

FEATURE_STORE = _precompute(
    "ml_feature_store_v2",
    "One row for each player of a game: the 25 features of the model, where each comes from, how good they are.",
    """
    player_lookup STRING!
    universal_player_id STRING
    game_date DATE!
    analysis_date DATE!
    game_id STRING!
    features ARRAY<FLOAT64> 25 numbers, 4 decimals, in the order of feature_names; never NULL
    feature_names ARRAY<STRING> name of each feature
    feature_sources ARRAY<STRING> native, phase3 or default: where each feature comes from
    feature_count INT64! always 25
    feature_version STRING! version of the list of features
    feature_quality_score NUMERIC(5,2)! mean over the features: native 100, phase3 75, default 40
    data_source STRING! phase4, phase4_partial, phase3 or mixed, by the 16 features that phase 4 supplies
    opponent_team_abbr STRING!
    is_home BOOL!
    days_rest INT64 calendar days since his last counted game; NULL before the first
    early_season_flag BOOL! fewer than 10 earlier counted games of the season
    """,
    ("analysis_date", "game_id", "player_lookup"),
    ("player_lookup",),
)

PRECOMPUTE_TABLES = (TEAM_ZONES, PLAYER_ZONES, COMPOSITE_FACTORS, DAILY_CACHE, FEATURE_STORE)
