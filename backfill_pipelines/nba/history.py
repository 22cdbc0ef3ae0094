"""Whether the history that a table reads is whole: which defensive checks a run's mode asks for, and their evidence.

Same-date upstreams are the kernel's business. The judgement of known dates is in ``defensive_checks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import HistoryCheck, HistoryReport
from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.backfill.run_mode import RunMode
from backfill_pipelines.nba import defensive_checks as checks
from backfill_pipelines.nba.catalog import BY_TABLE, Entry
from backfill_pipelines.nba.defensive_checks import Upstream, UpstreamDate
from backfill_pipelines.nba.seasons import season_of
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.warehouse import Warehouse, WarehouseSession, Work

HISTORICAL_GAP = "historical_gap"
ADMITTED_WITHOUT_CHECKS = "admitted_without_checks"

RUNNING = "🛡️ Running defensive checks..."
SKIPPED_IN_BACKFILL = "⏭️ BACKFILL MODE: Skipping defensive checks"
SKIPPED_WITHOUT_STRICT = "⏭️ STRICT MODE DISABLED: Skipping defensive checks"

#: Phase 4 table -> the upstream table whose previous run and window of days are checked.
LOOKBACKS: Mapping[str, tuple[str, int]] = {
    "nba_precompute.team_defense_zone_analysis": ("nba_analytics.team_defense_game_summary", 15),
    "nba_precompute.player_shot_zone_analysis": ("nba_analytics.player_game_summary", 10),
    "nba_precompute.player_composite_factors": ("nba_analytics.upcoming_player_game_context", 14),
    "nba_precompute.player_daily_cache": ("nba_analytics.player_game_summary", 10),
    "nba_precompute.ml_feature_store_v2": ("nba_analytics.player_game_summary", 10),
}


@dataclass(frozen=True)
class Known:
    """What the warehouse knows about the dates that matter: whether the own date has games, and the upstreams."""

    has_games: Mapping[date, bool]
    read: Sequence[Upstream]
    lookback: Upstream | None = None
    lookback_days: int = 0


def history_check(entry: Entry) -> HistoryCheck | None:
    """The check of a table; None for one that reads no earlier date."""
    if not entry.reads_before and entry.contract.full_name not in LOOKBACKS:
        return None
    return partial(_check, entry)


def _check(entry: Entry, context: dg.AssetExecutionContext, partitions: Sequence[str], mode: RunMode) -> HistoryReport:
    warehouse, notifier = context.resources.warehouse, context.resources.notifier
    days = [date.fromisoformat(partition) for partition in partitions]
    context.log.info(_announcement(mode))
    report = judge(read_known(warehouse, context.run.run_id, entry, days), days, mode)
    _tell(notifier, entry, report, mode)
    return report


def _announcement(mode: RunMode) -> str:
    if mode.backfill:
        return SKIPPED_IN_BACKFILL
    return RUNNING if mode.strict else f"{SKIPPED_WITHOUT_STRICT}: {mode.reason}"


def judge(known: Known, days: Sequence[date], mode: RunMode) -> HistoryReport:
    """Measurements and row issues of each day."""
    found, gaps = dict[str, Measurement](), list[str]()
    for day in days:
        season = season_of(day)
        if season is None or not known.has_games.get(day, True):
            found[str(day)] = Measurement(0, 0, 0, (), "not applicable: the schedule expects nothing on this date")
            continue
        whole = checks.history(known.read, day, season.opening)
        if whole.violations and not mode.backfill:
            gaps.append(str(day))
        found[str(day)] = _in_force(known, day, season.opening, whole, mode)
    issues: dict[str, Sequence[str]] = {HISTORICAL_GAP: gaps} if gaps else {}
    if not mode.strict and not mode.backfill:
        issues[ADMITTED_WITHOUT_CHECKS] = [str(day) for day in days]
    return HistoryReport(found, issues)


def _in_force(known: Known, day: date, opening: date, whole: Measurement, mode: RunMode) -> Measurement:
    """The measurement that decides: all history in a backfill, the day-to-day checks otherwise."""
    if mode.backfill:
        return whole.joined(Measurement(0, 0, 0, (), SKIPPED_IN_BACKFILL))
    if not mode.strict:
        return whole.joined(Measurement(0, 0, 0, (), f"{SKIPPED_WITHOUT_STRICT}; reason: {mode.reason}"))
    found = Measurement(0, 0, 0)
    if known.lookback:
        found = checks.previous_run(known.lookback, day, opening)
        found = found.joined(checks.window(known.lookback, day, opening, known.lookback_days))
    notes = [found.note] if found.note else []
    if whole.violations:
        notes.append(f"{HISTORICAL_GAP}: {'; '.join(whole.sample)}")
    if not found.violations:
        notes.append(checks.PASSED)
    return Measurement(found.expected, found.actual, found.violations, found.sample, "; ".join(notes))


def _tell(notifier: Notifier, entry: Entry, report: HistoryReport, mode: RunMode) -> None:
    """One notification for a run that is blocked; a backfill tells nobody, its launcher is watching."""
    blocked = {p: m for p, m in report.measured.items() if m.violations}
    if blocked and mode.strict and not mode.backfill:
        first = next(iter(blocked))
        notifier.send(
            f"{entry.contract.full_name}: defensive checks block {len(blocked)} dates",
            "\n".join([f"{first}:", *blocked[first].sample]),
        )


def read_known(warehouse: Warehouse, run_id: str, entry: Entry, days: Sequence[date]) -> Known:
    """Everything the checks of a range need, with one query for each table that is read."""
    openings = [season.opening for season in map(season_of, days) if season]
    bounds = (min([*openings, *days]), max(days))
    looked_at, lookback_days = LOOKBACKS.get(entry.contract.full_name, ("", 0))
    with warehouse.session(Work(run_id, entry.contract.full_name, bounds)) as session:
        own = _dates(session, entry)
        read = [_upstream(session, BY_TABLE[contract.full_name]) for contract in entry.reads_before]
        lookback = _upstream(session, BY_TABLE[looked_at]) if looked_at else None
    has_games = {row["partition_date"]: row["state_expected"] == "expected" for row in own}
    return Known(has_games, read, lookback, lookback_days)


def _upstream(session: WarehouseSession, entry: Entry) -> Upstream:
    dates = [
        UpstreamDate(
            row["partition_date"],
            row["row_count"] > 0,
            row["success"],
            row["skip_reason"],
            row["error_message"],
            is_stale=row["is_stale"],
        )
        for row in _dates(session, entry)
        if row["state_expected"] == "expected"
    ]
    return Upstream(entry.contract.full_name, entry.processor, dates)


def _dates(session: WarehouseSession, entry: Entry) -> list[dict[str, Any]]:
    text = sql.render(sql.load(PACKAGE, "status/upstream_dates"), **entry.identifiers)
    return session.query(text, {"processor": entry.processor}).to_pylist()
