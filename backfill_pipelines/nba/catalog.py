"""The tables of the pipeline as one list: contract, phase, processor name, upstreams, in the order of the work."""

from dataclasses import dataclass
from functools import lru_cache

from backfill_pipelines.backfill.contracts import TableContract, contracts_by_name
from backfill_pipelines.nba import tables_analytics as analytics
from backfill_pipelines.nba import tables_context as context
from backfill_pipelines.nba import tables_precompute as precompute
from backfill_pipelines.nba import tables_raw as raw
from backfill_pipelines.nba.tables_reference import REFERENCE_TABLES

RAW_PHASE = "phase_2_raw"
ANALYTICS_PHASE = "phase_3_analytics"
PRECOMPUTE_PHASE = "phase_4_precompute"


@dataclass(frozen=True)
class Coverage:
    """The expected set of a table: a view of (partition_date, key), and the column that holds the key."""

    view: str
    column: str
    unit: str


GAMES = Coverage("nba_reference.expected_game_keys", "game_id", "games")
TEAMS = Coverage("nba_reference.expected_team_keys", "team_abbr", "teams")
PRECOMPUTE_GAMES = Coverage("nba_reference.expected_precompute_games", "game_id", "games")
ZONE_TEAMS = Coverage("nba_reference.expected_zone_teams", "team_abbr", "teams")
ZONE_PLAYERS = Coverage("nba_reference.expected_zone_players", "player_lookup", "players")
CACHED_PLAYERS = Coverage("nba_reference.expected_cached_players", "player_lookup", "players")


@dataclass(frozen=True)
class Entry:
    """One table that is an asset.

    ``reads`` are the tables that must be published for the same date; ``may_read`` are optional inputs, which order
    the work but whose absence blocks nothing. ``reads_before`` are the tables of which every earlier date of the
    season is read; ``reads_ahead_days`` is how far the schedule is read past the date.
    """

    contract: TableContract
    phase: str
    processor: str
    reads: tuple[TableContract, ...] = ()
    may_read: tuple[TableContract, ...] = ()
    reads_before: tuple[TableContract, ...] = ()
    reads_ahead_days: int = 0
    coverage: Coverage = GAMES

    @property
    def identifiers(self) -> dict[str, str]:
        """What the placeholders of a status statement stand for."""
        return {
            "table": self.contract.full_name,
            "published": self.contract.full_name,
            "staged": self.contract.staging_name,
            "partition_column": self.contract.partition_column,
            "expected": self.coverage.view,
            "grain": self.coverage.column,
        }


CATALOG: tuple[Entry, ...] = (
    Entry(raw.SCHEDULE, RAW_PHASE, "NbacScheduleProcessor"),
    Entry(raw.TEAM_BOXSCORE, RAW_PHASE, "NbacTeamBoxscoreProcessor", (raw.SCHEDULE,)),
    Entry(raw.STARTING_LINEUPS, RAW_PHASE, "StartingLineupsProcessor", (raw.SCHEDULE,)),
    Entry(raw.GAMEBOOK, RAW_PHASE, "NbacGamebookProcessor", (raw.SCHEDULE,), (raw.STARTING_LINEUPS,)),
    Entry(raw.BDL_BOXSCORES, RAW_PHASE, "BdlPlayerBoxscoresProcessor", (raw.SCHEDULE,)),
    Entry(raw.PLAYER_BOXSCORES, RAW_PHASE, "NbacPlayerBoxscoresProcessor", (raw.SCHEDULE,)),
    Entry(raw.PLAY_BY_PLAY, RAW_PHASE, "BigDataBallPbpProcessor", (raw.SCHEDULE,)),
    Entry(raw.ROSTERS, RAW_PHASE, "EspnTeamRostersProcessor", (raw.SCHEDULE,), coverage=TEAMS),
    Entry(raw.INJURIES, RAW_PHASE, "NbacInjuryReportProcessor", (raw.SCHEDULE,)),
    Entry(raw.GAME_LINES, RAW_PHASE, "OddsGameLinesProcessor", (raw.SCHEDULE,)),
    Entry(raw.PROPS, RAW_PHASE, "OddsPlayerPropsProcessor", (raw.SCHEDULE,)),
    Entry(
        raw.PLAYER_LINES,
        RAW_PHASE,
        "PlayerLinesProcessor",
        (raw.SCHEDULE, raw.TEAM_BOXSCORE),
        (raw.GAMEBOOK, raw.BDL_BOXSCORES),
    ),
    Entry(
        analytics.TEAM_OFFENSE,
        ANALYTICS_PHASE,
        "TeamOffenseGameSummaryProcessor",
        (raw.SCHEDULE, raw.TEAM_BOXSCORE, raw.PLAYER_LINES),
        (raw.PLAY_BY_PLAY, raw.GAMEBOOK),
    ),
    Entry(
        analytics.PLAYER_SUMMARY,
        ANALYTICS_PHASE,
        "PlayerGameSummaryProcessor",
        (raw.PLAYER_LINES, analytics.TEAM_OFFENSE),
        (raw.STARTING_LINEUPS, raw.PLAY_BY_PLAY, raw.PROPS),
    ),
    Entry(
        analytics.TEAM_DEFENSE,
        ANALYTICS_PHASE,
        "TeamDefenseGameSummaryProcessor",
        (analytics.TEAM_OFFENSE, analytics.PLAYER_SUMMARY),
    ),
    Entry(
        context.TEAM_CONTEXT,
        ANALYTICS_PHASE,
        "UpcomingTeamGameContextProcessor",
        (raw.SCHEDULE,),
        # The offence of the same date is no input: it is here to order the work, so that a date is built after the
        # dates before it, and so that a repair of a date reaches the contexts of that date as well.
        (analytics.TEAM_OFFENSE, raw.GAME_LINES, raw.INJURIES),
        reads_before=(raw.SCHEDULE, analytics.TEAM_OFFENSE, raw.STARTING_LINEUPS),
        reads_ahead_days=7,
    ),
    Entry(
        context.PLAYER_CONTEXT,
        ANALYTICS_PHASE,
        "UpcomingPlayerGameContextProcessor",
        (raw.SCHEDULE, raw.PLAYER_LINES, context.TEAM_CONTEXT),
        # Rosters up to the date are read, of which none need exist.
        (raw.ROSTERS, raw.INJURIES, raw.GAME_LINES, raw.PROPS),
        reads_before=(
            raw.PLAYER_LINES,
            analytics.PLAYER_SUMMARY,
            analytics.TEAM_OFFENSE,
            analytics.TEAM_DEFENSE,
        ),
        reads_ahead_days=7,
    ),
    Entry(
        precompute.TEAM_ZONES,
        PRECOMPUTE_PHASE,
        "TeamDefenseZoneAnalysisProcessor",
        (raw.SCHEDULE,),
        reads_before=(analytics.TEAM_DEFENSE,),
        coverage=ZONE_TEAMS,
    ),
    Entry(
        precompute.PLAYER_ZONES,
        PRECOMPUTE_PHASE,
        "PlayerShotZoneAnalysisProcessor",
        (raw.SCHEDULE,),
        (raw.ROSTERS,),
        reads_before=(analytics.PLAYER_SUMMARY, raw.PLAYER_LINES),
        coverage=ZONE_PLAYERS,
    ),
    Entry(
        precompute.COMPOSITE_FACTORS,
        PRECOMPUTE_PHASE,
        "PlayerCompositeFactorsProcessor",
        (context.PLAYER_CONTEXT, context.TEAM_CONTEXT, precompute.PLAYER_ZONES, precompute.TEAM_ZONES),
        coverage=PRECOMPUTE_GAMES,
    ),
    Entry(
        precompute.DAILY_CACHE,
        PRECOMPUTE_PHASE,
        "PlayerDailyCacheProcessor",
        (context.PLAYER_CONTEXT, precompute.PLAYER_ZONES),
        reads_before=(analytics.PLAYER_SUMMARY, analytics.TEAM_OFFENSE),
        coverage=CACHED_PLAYERS,
    ),
    Entry(
        precompute.FEATURE_STORE,
        PRECOMPUTE_PHASE,
        "MLFeatureStoreProcessor",
        (
            context.PLAYER_CONTEXT,
            context.TEAM_CONTEXT,
            precompute.PLAYER_ZONES,
            precompute.TEAM_ZONES,
            precompute.COMPOSITE_FACTORS,
            precompute.DAILY_CACHE,
        ),
        reads_before=(analytics.PLAYER_SUMMARY, analytics.TEAM_OFFENSE),
        coverage=PRECOMPUTE_GAMES,
    ),
)

BY_TABLE: dict[str, Entry] = {entry.contract.full_name: entry for entry in CATALOG}


@lru_cache(maxsize=1)
def all_contracts() -> dict[str, TableContract]:
    """Every table of the warehouse, assets or not."""
    return contracts_by_name(
        [
            *raw.RAW_TABLES,
            *analytics.ANALYTICS_TABLES,
            *context.CONTEXT_TABLES,
            *precompute.PRECOMPUTE_TABLES,
            *REFERENCE_TABLES,
        ]
    )
