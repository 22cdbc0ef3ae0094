"""Descriptions of columns that mean the same in every table that has them. A table may still describe its own."""

GLOSSARY: dict[str, str] = {
    "game_id": "canonical id YYYYMMDD_AWAY_HOME, built only from the schedule row",
    "nba_game_id": "ten-digit id of the league; a postponed game keeps it, so it repeats over dates",
    "game_code": "code as the feed writes it, YYYYMMDD/AWYHOM; may name the sides in the wrong order",
    "game_date": "calendar day of the game, US Eastern; the partition",
    "season_year": "start year of the season: 2021 for 2021-22",
    "team_abbr": "tricode of the team",
    "opponent_team_abbr": "tricode of the other team",
    "home_team_abbr": "tricode of the home team, from the schedule",
    "away_team_abbr": "tricode of the away team, from the schedule",
    "team_id": "league id of the team",
    "is_home": "the team plays at home",
    "home_game": "the team plays at home",
    "player_lookup": "join key of the player's name: plain lower-case letters and digits, suffix kept",
    "player_full_name": "name as the feed writes it",
    "minutes": "minutes as the feed writes them",
    "minutes_decimal": "minutes played, seconds / 60, not rounded",
    "points": "points scored",
    "field_goals_made": "field goals made, threes included",
    "field_goals_attempted": "field goals attempted, threes included",
    "three_pointers_made": "three-point field goals made",
    "three_pointers_attempted": "three-point field goals attempted",
    "free_throws_made": "free throws made",
    "free_throws_attempted": "free throws attempted",
    "offensive_rebounds": "offensive rebounds",
    "defensive_rebounds": "defensive rebounds",
    "total_rebounds": "offensive and defensive rebounds",
    "rebounds": "offensive and defensive rebounds",
    "assists": "assists",
    "steals": "steals",
    "blocks": "shots blocked",
    "turnovers": "turnovers",
    "personal_fouls": "personal fouls",
    "plus_minus": "point difference while on the floor",
    "fg_makes": "field goals made, threes included",
    "fg_attempts": "field goals attempted, threes included",
    "three_pt_makes": "three-point field goals made",
    "three_pt_attempts": "three-point field goals attempted",
    "ft_makes": "free throws made",
    "ft_attempts": "free throws attempted",
    "source_file_path": "object key of the capture that the row was read from",
    "capture_ts": "when the capture was taken, UTC",
    "data_hash": "16 hex digits of SHA-256 over the business columns: equal rows have equal hashes",
    "run_id": "the Dagster run that wrote the row",
    "processed_at": "when the row was staged, UTC",
    "win_flag": "the team scored more than its opponent",
    "margin_of_victory": "points of the team minus points of the opponent",
    "overtime_periods": "number of five-minute overtime periods",
    "ts_pct": "true shooting: points / (2 * (FGA + 0.44 * FTA)); NULL without an attempt",
    "efg_pct": "effective field goals: (FGM + 0.5 * 3PM) / FGA; NULL without an attempt",
    "paint_attempts": "two-point attempts from at most 8 ft; NULL in a game without play-by-play",
    "paint_makes": "two-point makes from at most 8 ft; NULL in a game without play-by-play",
    "mid_range_attempts": "two-point attempts from beyond 8 ft; NULL in a game without play-by-play",
    "mid_range_makes": "two-point makes from beyond 8 ft; NULL in a game without play-by-play",
    "three_attempts_pbp": "three-point attempts in the play-by-play; NULL without it",
    "three_makes_pbp": "three-point makes in the play-by-play; NULL without it",
    "players_inactive": "players of the team listed as dnp or inactive; NULL without a gamebook",
    "referee_crew_id": "always NULL: in no feed",
    "quality_tier": "gold, silver, bronze, poor or unusable: the worst over the sources",
    "quality_score": "0 to 100, of the source that was used",
    "data_quality_issues": "what is wrong or missing, in words of a closed vocabulary; never NULL",
    "data_sources": "tables that the row was built from; never NULL",
    "season_phase": "early (Oct-Nov), mid (Dec-Feb), late (Mar-Apr), play_in or playoffs",
    "expected_games_count": "games that the window should hold, by the schedule or the raw player lines",
    "actual_games_count": "games that the window holds",
    "missing_games_count": "expected minus actual games",
    "completeness_percentage": "actual games per 100 expected, one decimal; NULL when nothing is expected",
    "window_is_full": "the window holds as many games as it can ever hold",
    "is_production_ready": "good enough to be used: tier bronze or better, nothing missing, upstream ready",
}

LEDGER = "data_hash STRING!\nrun_id STRING!\nprocessed_at TIMESTAMP!"
PROVENANCE = f"source_file_path STRING!\ncapture_ts TIMESTAMP!\n{LEDGER}"
QUALITY = (
    "quality_tier STRING!\nquality_score NUMERIC(5,2)!\ndata_quality_issues ARRAY<STRING>\n"
    "data_sources ARRAY<STRING>\nis_production_ready BOOL!"
)
COMPLETENESS = (
    "expected_games_count INT64!\nactual_games_count INT64!\nmissing_games_count INT64!\n"
    "completeness_percentage FLOAT64\nwindow_is_full BOOL!"
)
_COUNTS = (
    "points field_goals_made field_goals_attempted three_pointers_made three_pointers_attempted free_throws_made "
    "free_throws_attempted offensive_rebounds defensive_rebounds total_rebounds assists steals blocks turnovers "
    "personal_fouls"
)
BOX_NAMES = tuple(_COUNTS.split())
BOX = "\n".join(f"{name} INT64" for name in BOX_NAMES)
BOX_REQUIRED = "\n".join(f"{name} INT64!" for name in BOX_NAMES)
