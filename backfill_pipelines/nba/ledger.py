"""The ledger in ``nba_reference``: run history, gate verdicts, quarantine. Written in batches, part of success."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.failures import GateNotMeasured
from backfill_pipelines.backfill.outcome import Decision, PartitionOutcome, State
from backfill_pipelines.backfill.run_mode import RunMode
from backfill_pipelines.nba.catalog import Entry
from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines.nba.feeds.parsed import payload_text
from backfill_pipelines.nba.seasons import BY_NAME, season_of
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines.nba.tables_reference import (
    FILE_QUARANTINE,
    ROW_QUARANTINE,
)
from backfill_pipelines.stores.warehouse import Digest, WarehouseSession, arrow_schema

Rows = list[dict[str, Any]]

#: Errors that only code makes, however often it runs.
_MISTAKES = (ArithmeticError, AssertionError, AttributeError, GateNotMeasured, LookupError, TypeError, ValueError)
#: How stores say that there is no room or no quota left.
_EXHAUSTED = ("out of memory", "no space left", "quota exceeded", "quotaexceeded", "exceeded your quota")


@dataclass(frozen=True)
class RunInfo:
    """Facts of the Dagster run that every ledger row carries."""

    run_id: str
    triggered_by: str
    started_at: datetime
    attempt: int = 1
    code_version: str = "1"
    mode: RunMode = field(default_factory=RunMode)


def utc_now() -> datetime:
    """Now, as an aware UTC time."""
    return datetime.now(UTC)


def write(session: WarehouseSession, contract: TableContract, rows: Rows) -> None:
    """Merge ledger rows by key; no rows, no statement."""
    if rows:
        session.merge(contract, pa.Table.from_pylist(rows, arrow_schema(contract, business_only=False)))


def history_rows(
    entry: Entry,
    run: RunInfo,
    outcomes: Iterable[PartitionOutcome],
    upstream: Mapping[str, Mapping[date, Digest]],
) -> Rows:
    """One row for each partition in its final state."""
    listed, now = list(outcomes), utc_now()
    seconds = (now - run.started_at).total_seconds() / max(1, len(listed))
    return [_history_row(entry, run, outcome, upstream, now, seconds) for outcome in listed]


def _history_row(
    entry: Entry,
    run: RunInfo,
    outcome: PartitionOutcome,
    upstream: Mapping[str, Mapping[date, Digest]],
    now: datetime,
    seconds: float,
) -> dict[str, Any]:
    day, staged = date.fromisoformat(outcome.partition), outcome.staged
    skip = _skip_reason(outcome)
    status = "failed" if not outcome.is_green else "skipped" if skip else "success"
    rows = staged.rows if staged else 0
    return _run_columns(entry, run, day, now, seconds) | {
        "status": status,
        "success": outcome.is_green,
        "error_message": None if outcome.is_green else outcome.failure_text,
        "error_category": None if outcome.is_green else _category(outcome),
        "failed_gates": [verdict.gate.name for verdict in outcome.red],
        "skip_reason": skip,
        "processing_decision": skip or ("processed" if outcome.is_green else str(outcome.decision)),
        "records_processed": rows,
        "rows_processed": rows,
        "rows_expected": staged.rows_expected if staged else None,
        "rows_quarantined": staged.quarantined if staged else 0,
        "partition_digest": staged.digest if staged else None,
        "upstream_dependencies": json.dumps(
            [
                {"table": table, "date": str(day), "rows": found[day].rows, "digest": found[day].value}
                for table, found in upstream.items()
                if day in found
            ]
        ),
        "warnings": json.dumps(list(staged.warnings) if staged else []),
    }


def crash_rows(entry: Entry, run: RunInfo, partitions: Sequence[str], error: BaseException) -> Rows:
    """Rows of a run that ended in an exception: nothing was published."""
    now = utc_now()
    seconds = (now - run.started_at).total_seconds() / max(1, len(partitions))
    return [
        _run_columns(entry, run, date.fromisoformat(partition), now, seconds)
        | {
            "status": "failed",
            "success": False,
            "error_message": f"{type(error).__name__}: {error}"[:2000],
            "error_category": crash_category(error),
            "failed_gates": [],
            "processing_decision": "crashed",
            "records_processed": 0,
            "rows_processed": 0,
            "rows_quarantined": 0,
            "upstream_dependencies": "[]",
            "warnings": "[]",
        }
        for partition in partitions
    ]


def crash_category(error: BaseException) -> str:
    """What a crash says about trying again: a mistake of ours comes back with every date, a lost connection may not."""
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(sign in text for sign in _EXHAUSTED):
        return "RESOURCE_EXHAUSTION"
    return "PROCESSING_ERROR" if isinstance(error, _MISTAKES) else "INFRASTRUCTURE"


def _run_columns(entry: Entry, run: RunInfo, day: date, now: datetime, seconds: float) -> dict[str, Any]:
    season = season_of(day)
    return {
        "phase": entry.phase,
        "processor_name": entry.processor,
        "data_date": day,
        "run_id": run.run_id,
        "season_year": season.year if season else day.year,
        "processing_time_seconds": seconds,
        "duration_seconds": seconds,
        "started_at": run.started_at,
        "processed_at": now,
        "created_at": now,
        "backfill_mode": run.mode.backfill,
        "strict_mode": run.mode.strict,
        "skip_downstream": run.mode.skip_downstream,
        "triggered_by": run.triggered_by,
        "dagster_run_id": run.run_id,
        "attempt": run.attempt,
        "code_version": run.code_version,
        "output_dataset": entry.contract.dataset,
        "output_table": entry.contract.name,
    }


def _skip_reason(outcome: PartitionOutcome) -> str | None:
    staged = outcome.staged
    if staged and staged.state is State.EXPECTED_EMPTY and outcome.is_green:
        return f"expected_empty:{staged.reason}"
    return "already_done" if outcome.decision is Decision.ALREADY_DONE else None


def _category(outcome: PartitionOutcome) -> str:
    if outcome.decision is Decision.REFUSED:
        return "DEFENSIVE_BLOCK"
    incomplete = outcome.staged and outcome.staged.state in (State.MISSING, State.PARTIAL, State.QUARANTINED)
    return "DATA_AVAILABILITY" if incomplete else "PROCESSING_ERROR"


def verdict_rows(entry: Entry, run: RunInfo, outcomes: Iterable[PartitionOutcome]) -> Rows:
    """One row for each verdict."""
    now = utc_now()
    return [
        {
            "asset_key": "/".join(entry.contract.asset_key),
            "gate": verdict.gate.name,
            "partition_date": date.fromisoformat(verdict.partition),
            "run_id": run.run_id,
            "passed": verdict.passed,
            "blocking": verdict.gate.blocking,
            "expected": verdict.measurement.expected,
            "actual": verdict.measurement.actual,
            "sample": list(verdict.measurement.sample),
            "thresholds": json.dumps({"description": verdict.gate.description}),
            "code_version": run.code_version,
            "measured_at": now,
        }
        for outcome in outcomes
        for verdict in outcome.verdicts
    ]


def quarantine(session: WarehouseSession, entry: Entry, run: RunInfo, loaded: Loaded, days: Sequence[date]) -> None:
    """Bring both quarantine tables to what this load found: new entries in, entries no longer found resolved.

    A season file has no date of its own; its entry stands under the opening of the season.
    """
    table = entry.contract.full_name
    files = [
        {
            "object_key": item.capture.object_key,
            "feed": item.capture.feed,
            "table_name": table,
            "game_date": item.capture.day or BY_NAME[item.capture.entity].opening,
            "nba_game_id": item.nba_game_id,
            "reason_code": item.code,
            "detail": item.detail,
            "bytes": item.capture.size,
        }
        for item in loaded.set_aside
    ]
    rows = [
        {
            "table_name": table,
            "game_date": row.day,
            "key": row.key,
            "reason_code": row.code,
            "detail": row.detail,
            "payload": payload_text(row.payload),
            "object_key": capture.object_key,
        }
        for capture, row in loaded.rejected
    ]
    openings = {s.opening for s in map(season_of, days) if s} if entry.contract is SCHEDULE else set[date]()
    scope = sorted({*days, *openings})
    for contract, found in ((FILE_QUARANTINE, files), (ROW_QUARANTINE, rows)):
        _reconcile(session, contract, run, table, found, scope)


def _reconcile(
    session: WarehouseSession, contract: TableContract, run: RunInfo, table: str, found: Rows, days: Sequence[date]
) -> None:
    now = utc_now()
    names = ", ".join(contract.by_name)
    still_open = session.query(
        f"SELECT {names} FROM {contract.full_name} "
        "WHERE game_date BETWEEN @first AND @last AND game_date IN (SELECT day FROM UNNEST(@days) AS day) "
        "AND table_name = @table_name AND resolved_at IS NULL",
        {"table_name": table, "days": list(days), "first": days[0], "last": days[-1]},
    ).to_pylist()
    known = {tuple(row[name] for name in contract.key): row for row in still_open}
    current = {tuple(row[name] for name in contract.key): row for row in found}
    written = [
        row | {"run_id": run.run_id, "first_seen_at": known[key]["first_seen_at"] if key in known else now}
        for key, row in current.items()
    ]
    written += [row | {"resolved_at": now} for key, row in known.items() if key not in current]
    write(session, contract, written)
