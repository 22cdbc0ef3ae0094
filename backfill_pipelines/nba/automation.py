"""Automation of the NBA assets: gap-filling sensors for each phase, the daily load, and the live cascade.

All of it is stopped until somebody starts it. In a backfill nothing here goes past a phase gate.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.automation import LIVE_WINDOW
from backfill_pipelines.backfill.gap_sensor import GapAsset, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, PRECOMPUTE_PHASE, RAW_PHASE, Entry
from backfill_pipelines.nba.feeds.captures import SCHEDULE
from backfill_pipelines.nba.phase_gates.names import gate_before
from backfill_pipelines.nba.seasons import LEAGUE_TIMEZONE, SEASONS, days_of, game_dates, season_of
from backfill_pipelines.nba.tables_raw import SCHEDULE as SCHEDULE_TABLE
from backfill_pipelines.stores.objects import ObjectStore

_SENSORS = (
    ("nba_phase_2_gap_sensor", RAW_PHASE, "Loads the game dates of the raw tables that are not complete."),
    (
        "nba_phase_3_gap_sensor",
        ANALYTICS_PHASE,
        "Computes the game dates of the analytics tables that are not complete and whose raw dates are green.",
    ),
    (
        "nba_phase_4_gap_sensor",
        PRECOMPUTE_PHASE,
        (
            "Computes the game dates of the precompute tables that are not complete: past ones behind gate 1, the "
            "newest ones as soon as what they read is green."
        ),
    ),
)


def today() -> date:
    """The calendar day of the league."""
    return datetime.now(UTC).astimezone(ZoneInfo(LEAGUE_TIMEZONE)).date()


def expected_days(feeds: ObjectStore) -> list[str]:
    """Days up to yesterday, league time, of every season that the feed folder has a schedule of."""
    present = [season for season in SEASONS if feeds.find(SCHEDULE.folders(season.opening))]
    return [str(day) for day in days_of(present) if day < today()]


def is_live(partition: str) -> bool:
    """New enough to go on without the gates of a backfill."""
    return date.fromisoformat(partition) >= today() - LIVE_WINDOW


def gap_assets(phase: str) -> list[GapAsset]:
    """The assets of a phase, in the order of the work."""
    return [_gap_asset(entry) for entry in CATALOG if entry.phase == phase]


def _gap_asset(entry: Entry) -> GapAsset:
    return GapAsset(
        dg.AssetKey(entry.contract.asset_key),
        game_dates(),
        [Upstream(dg.AssetKey(contract.asset_key)) for contract in entry.reads],
        history=[dg.AssetKey(contract.asset_key) for contract in entry.reads_before],
        group_of=_season_name,
        # Phase 3 waits for its raw dates; only phase 4 looks back over whole seasons of phase 3.
        phase_gate=gate_before(entry.phase) if entry.phase == PRECOMPUTE_PHASE else None,
        is_live=is_live,
    )


def _season_name(partition: str) -> str:
    season = season_of(date.fromisoformat(partition))
    return season.name if season else ""


def _expected(context: dg.SensorEvaluationContext) -> Sequence[str]:
    return expected_days(context.resources.feeds)


def build_sensors() -> list[dg.SensorDefinition]:
    """A gap-filling sensor for each phase, and the one that evaluates the live cascade."""
    gap_sensors = [
        build_gap_sensor(
            name=name,
            description=description,
            assets=gap_assets(phase),
            expected=_expected,
            policy=GapPolicy(),
            required_resource_keys={"feeds"},
        )
        for name, phase, description in _SENSORS
    ]
    live = dg.AutomationConditionSensorDefinition(
        "nba_live_cascade",
        target=dg.AssetSelection.groups("nba_raw", "nba_analytics", "nba_precompute"),
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Goes on from the schedule to phase 4 with each of the newest dates, as soon as what a table reads "
        "is green. Dates that a backfill published are left to the gates.",
    )
    return [*gap_sensors, live]


def build_schedules() -> list[dg.ScheduleDefinition]:
    """The daily load of yesterday's games, in the season: the schedule first, the cascade goes on from there."""
    key = dg.AssetKey(SCHEDULE_TABLE.asset_key)
    job = dg.define_asset_job("nba_daily_load", selection=dg.AssetSelection.assets(key))

    @dg.schedule(
        name="nba_daily_load_at_nine",
        job=job,
        cron_schedule="0 9 * * *",
        execution_timezone=LEAGUE_TIMEZONE,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Every morning of a season: yesterday's schedule, and by the cascade every table of yesterday. "
        "What comes later is for the gap sensors.",
    )
    def nba_daily_load_at_nine(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(ZoneInfo(LEAGUE_TIMEZONE)).date() - timedelta(days=1)
        if season_of(day) is None:
            return dg.SkipReason(f"{day} lies in no season")
        return dg.RunRequest(run_key=str(day), partition_key=str(day))

    return [nba_daily_load_at_nine]
