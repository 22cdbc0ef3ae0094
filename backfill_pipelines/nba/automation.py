"""Automation of the NBA assets: the gap-filling sensors of phase 2 and phase 3."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gap_sensor import GapAsset, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, RAW_PHASE
from backfill_pipelines.nba.feeds.captures import SCHEDULE
from backfill_pipelines.nba.seasons import LEAGUE_TIMEZONE, SEASONS, days_of, game_dates
from backfill_pipelines.stores.objects import ObjectStore


def gap_assets(phase: str) -> list[GapAsset]:
    """The assets of a phase, in the order of the work."""
    return [
        GapAsset(
            dg.AssetKey(entry.contract.asset_key),
            game_dates(),
            [Upstream(dg.AssetKey(contract.asset_key)) for contract in entry.reads],
        )
        for entry in CATALOG
        if entry.phase == phase
    ]


def expected_days(feeds: ObjectStore) -> list[str]:
    """Days up to yesterday, league time, of every season that the feed folder has a schedule of."""
    today = datetime.now(UTC).astimezone(ZoneInfo(LEAGUE_TIMEZONE)).date()
    present = [season for season in SEASONS if feeds.find(SCHEDULE.folders(season.opening))]
    return [str(day) for day in days_of(present) if day < today]


def _expected(context: dg.SensorEvaluationContext) -> Sequence[str]:
    return expected_days(context.resources.feeds)


def build_sensors() -> list[dg.SensorDefinition]:
    """The two gap-filling sensors."""
    return [
        build_gap_sensor(
            name=name,
            description=description,
            assets=gap_assets(phase),
            expected=_expected,
            policy=GapPolicy(),
            required_resource_keys={"feeds"},
        )
        for name, phase, description in (
            (
                "nba_phase_2_gap_sensor",
                RAW_PHASE,
                "Loads the game dates of the raw tables that are not complete.",
            ),
            (
                "nba_phase_3_gap_sensor",
                ANALYTICS_PHASE,
                "Computes the game dates of the analytics tables that are not complete and whose raw dates are green.",
            ),
        )
    ]
