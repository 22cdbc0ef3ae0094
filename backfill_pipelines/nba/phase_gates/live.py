"""Gate 3: is the pipeline live? From the run history and the published data, never from a promise.

One date must have come all the way, raw to phase 4, by sensors, schedules or automation; and the current season must
be fresh. Without a current season that is loaded the gate is red.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from backfill_pipelines.nba.catalog import BY_TABLE, CATALOG, PRECOMPUTE_PHASE
from backfill_pipelines.nba.catalog_views import required_tables
from backfill_pipelines.nba.phase_gates.completeness import Judgement, asset_of, measurement
from backfill_pipelines.nba.phase_gates.scope import Scope, Span
from backfill_pipelines.stores.warehouse import Warehouse, WarehouseSession, Work

END_TO_END = "a_date_came_through_by_itself"
FRESH = "the_current_season_is_fresh"

#: Game dates that the newest complete date may be behind: feeds of a night arrive over the next day.
MOST_DATES_BEHIND = 2

_REPAIR_LIVE = "start the sensors and automation in the UI, or materialise a date with skip_downstream=false from one"
_REPAIR_FRESH = "look at the automation of the named asset; `backfill gaps nba --report q19_rerun_dates`"


@dataclass(frozen=True)
class LiveDate:
    """How far a date came by itself: the first asset that did not, and why; none when all did."""

    day: date
    live_tables: int
    failing: str = ""
    reason: str = ""


def judge_live(warehouse: Warehouse, session: WarehouseSession, scope: Scope, found: Judgement) -> str:
    """Both rules; returns the first asset that fails, empty when all is live."""
    newest_first = list(reversed(scope.spans))
    rows = [(span, span.rows(session, "live_dates")) for span in newest_first]
    failing = _end_to_end(warehouse, [row for _, found_rows in rows for row in found_rows], found)
    stale = _fresh(session, rows, found)
    return failing or stale


def _end_to_end(warehouse: Warehouse, rows: Sequence[dict[str, Any]], found: Judgement) -> str:
    needed = required_tables(CATALOG)
    dates = [_live_date(day, list(group), needed) for day, group in groupby(rows, lambda row: row["partition_date"])]
    best = max(dates, key=lambda one: (one.live_tables, one.day), default=None)
    for one in dates:
        if not one.failing:
            best = _against_published(warehouse, one, rows)
            if not best.failing:
                break
    shown = [{"date": one.day, "live_tables": one.live_tables, "of": len(needed)} for one in dates if one.live_tables]
    found.show("dates that came by themselves", shown)
    if best is None:
        failing, culprits = asset_of(needed[0]), ["no expected date is loaded"]
    elif not any(entry.phase == PRECOMPUTE_PHASE for entry in CATALOG):
        failing, culprits = "nba_precompute", ["there is no table of phase 4"]
    else:
        failing = best.failing
        culprits = [f"{failing} {best.day}: {best.reason}"] if failing else []
    note = f"{best.day} came from raw to phase 4 by itself" if best and not culprits else ""
    found.add(END_TO_END, measurement(1, culprits, note=note), _REPAIR_LIVE)
    return failing if culprits else ""


def _live_date(day: date, rows: Sequence[dict[str, Any]], needed: Sequence[str]) -> LiveDate:
    by_table = {row["table_name"]: row for row in rows}
    live = sum(row["is_live"] for row in rows)
    for table in needed:
        row = by_table.get(table)
        if row is None:
            return LiveDate(day, live, asset_of(table), "nothing is expected of the table on this date")
        if not row["is_live"]:
            return LiveDate(day, live, asset_of(table), _why(row))
    return LiveDate(day, live)


def _why(row: dict[str, Any]) -> str:
    if row["success"] is None:
        return "never ran"
    if not row["success"]:
        return "the latest run failed"
    skipped = " with skip_downstream" if row["skip_downstream"] else ""
    return f"the latest run was started by {row['triggered_by']}{skipped}"


def _against_published(warehouse: Warehouse, live: LiveDate, rows: Iterable[dict[str, Any]]) -> LiveDate:
    """The digests that the live runs gave must be those that are published."""
    with warehouse.session(Work("gate", "nba_gates/pipeline_is_live", (live.day,))) as session:
        for row in rows:
            if row["partition_date"] == live.day:
                published = session.published(BY_TABLE[row["table_name"]].contract)[live.day].value
                if published != row["partition_digest"]:
                    reason = f"published is {published[:12]}, the live run gave {str(row['partition_digest'])[:12]}"
                    return LiveDate(live.day, live.live_tables, asset_of(row["table_name"]), reason)
    return live


def _fresh(session: WarehouseSession, rows: Sequence[tuple[Span, list[dict[str, Any]]]], found: Judgement) -> str:
    """The newest open season that is loaded: at most two game dates behind."""
    current = next(((span, dates) for span, dates in rows if span.season.is_open), None)
    if current is None:
        culprits = ["no open season is loaded: nothing says that tomorrow's games will come through"]
        found.add(FRESH, measurement(1, culprits), "load the schedule of the current season and its dates")
        return asset_of(required_tables(CATALOG)[0])
    span, dates = current
    state = next(iter(span.rows(session, "freshness")), None)
    behind = state["dates_behind"] if state else 0
    newest = state["complete"] if state else None
    found.show("freshness", [state] if state else [], span)
    is_stale = newest is None or behind > MOST_DATES_BEHIND
    culprits = [
        f"newest complete date {newest}, {behind} game dates behind {state['expected'] if state else 'nothing'}"
    ]
    found.add(FRESH, measurement(1, culprits if is_stale else []), _REPAIR_FRESH, span)
    return _first_open(dates, newest) if is_stale else ""


def _first_open(dates: Sequence[dict[str, Any]], newest: date | None) -> str:
    """The first table that is not complete on the first date after the newest complete one."""
    later = [
        row
        for row in dates
        if row["state"] in ("missing", "partial") and (newest is None or row["partition_date"] > newest)
    ]
    first = min(later, key=lambda row: (row["partition_date"], row["position"]), default=None)
    return asset_of(first["table_name"] if first else required_tables(CATALOG)[0])
