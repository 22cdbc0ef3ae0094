"""What gate 0 asks for on top of whole raw tables: files, season windows, tables, other runs, and a smoke run."""

from datetime import date
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.busy import busy_with
from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, RAW_PHASE, all_contracts
from backfill_pipelines.nba.feeds import captures, loading, schedule
from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.parsed import Parsed
from backfill_pipelines.nba.feeds.schedule_book import COUNTED_TYPES
from backfill_pipelines.nba.phase_gates.completeness import Judgement, asset_of, measurement
from backfill_pipelines.nba.phase_gates.scope import GateConfig, Scope, Span
from backfill_pipelines.nba.phase_gates.smoke import smoke_run
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import Warehouse, WarehouseSession

FILES_ARE_GOOD = "required_files_are_good_or_accepted"
WINDOWS_AGREE = "season_windows_agree_with_schedule"
TABLES_EXIST = "every_table_has_its_columns"
NOBODY_ELSE = "no_other_run_holds_the_tables"
SMOKE_IS_GREEN = "smoke_date_is_green"

_FINAL = 3


def judge_raw(session: WarehouseSession, feeds: ObjectStore, scope: Scope, found: Judgement) -> None:
    """What is known from the warehouse and the feeds."""
    for span in scope.spans:
        _quarantine(session, span, found)
        found.add(
            WINDOWS_AGREE,
            _window(feeds, span),
            "correct the season's window in nba/seasons.py, or capture the schedule file again",
            span,
        )
    found.add(TABLES_EXIST, tables_exist(session), "backfill up creates what is missing")


def judge_readiness(
    context: dg.AssetExecutionContext, warehouse: Warehouse, config: GateConfig, smoke: date | None, found: Judgement
) -> None:
    """Whether nobody else is at work, and the smoke run."""
    keys = [dg.AssetKey(e.contract.asset_key) for e in CATALOG if e.phase in (RAW_PHASE, ANALYTICS_PHASE)]
    busy = busy_with(context.instance, keys, context.run)
    found.add(
        NOBODY_ELSE,
        measurement(1, [busy] if busy else []),
        "wait for it, or terminate it in the UI under Runs if its process is gone",
    )
    if smoke is None:
        nothing = measurement(1, ["no date in the scope has complete raw data"])
        found.add(SMOKE_IS_GREEN, nothing, "load a date, or name one with smoke_date")
        return
    red = smoke_run(warehouse, context.run.run_id, smoke)
    note = f"{smoke}: three summaries computed, judged and discarded"
    found.add(SMOKE_IS_GREEN, measurement(max(1, len(red)), red, note=note), "look at the raw rows of the date")
    found.show("smoke run", [{"date": smoke, "green": not red, "asked_for": bool(config.smoke_date)}])


def smoke_date(session: WarehouseSession, scope: Scope, config: GateConfig) -> date | None:
    """The date of the smoke run: the one asked for, or the newest of the scope with complete raw data."""
    if config.smoke_date:
        return date.fromisoformat(config.smoke_date)
    for span in reversed(scope.spans):
        found: date | None = span.rows(session, "smoke_date")[0]["smoke_date"]
        if found:
            return found
    return None


def _quarantine(session: WarehouseSession, span: Span, found: Judgement) -> None:
    rows = span.rows(session, "quarantined_files")
    found.show("quarantined files", rows, span)
    culprits = [
        f"{asset_of(row['table_name'])} {row['game_date']}: {row['reason_code']} {row['object_key']} ({row['detail']})"
        for row in rows
    ]
    repair = "capture the file again (or remove one of no game) and run its date; or `backfill accept-gap` its game"
    found.add(FILES_ARE_GOOD, measurement(max(span.schedule_dates, len(rows)), culprits), repair, span)


def _window(feeds: ObjectStore, span: Span) -> Measurement:
    """Finals that count, in the season's newest readable file, and those of them outside of the season's window."""
    season, parsed = span.season, _season_file(feeds, span)
    inside = [row["game_date"] for row in parsed.rows if _counts(row["nba_game_id"], row["game_status"])]
    outside = [
        row.day
        for row in parsed.rejected
        if row.day not in season and _counts(row.payload["gameId"], row.payload["gameStatus"])
    ]
    days = sorted([*inside, *outside])
    if not days:
        return measurement(1, [f"no readable schedule file of {season.name} with a final game"])
    culprits = [f"a final on {day}, the window is {season.opening} to {season.closing}" for day in sorted(outside)]
    return measurement(len(days), culprits, note=f"finals from {days[0]} to {days[-1]}")


def _season_file(feeds: ObjectStore, span: Span) -> Parsed:
    """The newest file of the season that parses, with the games that its loader leaves out."""
    seen = [Parsed()]

    def remember(capture: Capture, document: Any) -> Parsed:
        seen.append(schedule.parse(capture, document))
        return seen[-1]

    loading.load(captures.SCHEDULE, SCHEDULE, feeds, [span.season.opening], loading.checked(remember))
    return seen[-1]


def _counts(nba_game_id: str, status: int) -> bool:
    return status == _FINAL and schedule.GAME_TYPES.get(nba_game_id[:3]) in COUNTED_TYPES


def tables_exist(session: WarehouseSession) -> Measurement:
    """Every table of every contract can be read with all its columns, published and staged."""
    names = {
        table: contract
        for contract in all_contracts().values()
        for table in (contract.full_name, contract.staging_name)
    }
    culprits = [problem for table, contract in names.items() if (problem := _problem(session, table, contract))]
    return measurement(len(names), culprits)


def _problem(session: WarehouseSession, table: str, contract: TableContract) -> str:
    """The first line of what the warehouse has against reading the columns; it reads no row."""
    columns, partition = ", ".join(contract.by_name), contract.partition_column
    try:
        session.query(f"SELECT {columns} FROM {table} WHERE {partition} IS NULL LIMIT 0")
    except StoreError as error:
        return f"{table}: {str(error).splitlines()[0]}"
    return ""
