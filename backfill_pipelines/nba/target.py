"""A range of game dates of one table in the warehouse: how it is staged, measured, published and recorded.

The one ``RangeTarget`` of this domain. A raw table and a SQL table differ only in the ``Compute`` they bring.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import dagster as dg

from backfill_pipelines.backfill import metadata
from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.gates import SAMPLE_SIZE, Gate, Measurement
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.backfill.run_mode import CLI_TAG
from backfill_pipelines.nba import ledger, repair_ledger
from backfill_pipelines.nba.catalog import Entry
from backfill_pipelines.nba.feeds.loading import Loaded
from backfill_pipelines.nba.gates import items_sql
from backfill_pipelines.nba.ledger import RunInfo, utc_now
from backfill_pipelines.nba.lineage import lineage_of
from backfill_pipelines.nba.statements import PACKAGE
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines.nba.tables_reference import GATE_VERDICTS, RUN_HISTORY, STALE_PARTITIONS
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.warehouse import Digest, Warehouse, WarehouseSession, Work

#: Gates to which a loader may add culprits that staged rows cannot show: what was lost on the way.
LOADER_GATES = frozenset({"files_parsed_and_keys_unique", "every_season_day_is_known"})

#: The reason code of rows that contradict each other within one file.
CONFLICT = "conflicting_duplicate"
#: A red gate names so many culprits, then so many of what was set aside, then the other culprits.
FIRST_CULPRITS, ASIDE_NAMED = 2, 3

#: Stages the days of a session; what a loader read, or None for a table that is computed from tables.
Compute = Callable[[WarehouseSession, Sequence[date]], Loaded | None]


class WarehouseTarget:
    """The partitions of one run of one table."""

    def __init__(self, session: WarehouseSession, entry: Entry, run: RunInfo, compute: Compute) -> None:
        self._session = session
        self._entry = entry
        self._contract: TableContract = entry.contract
        self._run = run
        self._compute = compute
        self._loaded: Loaded | None = None
        self._staged: dict[str, StagedPartition] = {}
        self._digests: Mapping[date, Digest] = {}
        self._calendar: dict[date, dict[str, Any]] = {}

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Compute the partitions into staging and say what each now holds."""
        days = [date.fromisoformat(partition) for partition in partitions]
        self._loaded = self._compute(self._session, days)
        self._calendar = self._by_day("status/calendar")
        coverage = self._by_day("status/coverage")
        self._digests = self._session.staged(self._contract)
        quarantined = self._quarantined_rows()
        self._staged = {
            str(day): self._describe(day, self._digests[day], coverage.get(day, {}), quarantined.get(day, 0))
            for day in days
        }
        return self._staged

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """Run a gate's statement over the range; dates without anything to measure are judged by the schedule."""
        rows = self._session.query(sql.verdict_query(items_sql(gate, self._contract))).to_pylist()
        found = {str(row["partition_date"]): row for row in rows}
        lost = self._lost_keys() if gate.name in LOADER_GATES else {}
        return {p: self._measurement(gate, p, found.get(p), lost.get(p, [])) for p in partitions}

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:
        """Publish what changed in one transaction; leave equal partitions alone."""
        days = [date.fromisoformat(partition) for partition in partitions]
        published = {} if force else self._session.published(self._contract)
        changed = [day for day in days if force or self._digests[day] != published[day]]
        unchanged = [day for day in days if day not in changed]
        if changed:
            self._session.replace_partitions(self._contract, changed)
        if unchanged:
            self._session.discard(self._contract, unchanged)
        return {str(day): Decision.PUBLISHED if day in changed else Decision.ALREADY_DONE for day in days}

    def record(self, outcome: RangeOutcome) -> None:
        """Run history, verdicts and quarantine of the range; what it has rebuilt is no longer stale."""
        outcomes = list(outcome.partitions.values())
        upstream = {u.full_name: self._session.published(u) for u in self._entry.reads} if self._staged else {}
        ledger.write(
            self._session,
            RUN_HISTORY,
            ledger.history_rows(self._entry, self._run, outcomes, upstream),
        )
        ledger.write(self._session, GATE_VERDICTS, ledger.verdict_rows(self._entry, self._run, outcomes))
        stale = repair_ledger.resolve(self._session, self._contract.full_name, outcomes)
        ledger.write(self._session, STALE_PARTITIONS, stale)
        if self._loaded is not None:
            days = [date.fromisoformat(p) for p in self._staged]
            ledger.quarantine(self._session, self._entry, self._run, self._loaded, days)

    def record_crash(self, partitions: Sequence[str], error: BaseException) -> None:
        """Run history of a run that ends in an exception."""
        rows = ledger.crash_rows(self._entry, self._run, partitions, error)
        ledger.write(self._session, RUN_HISTORY, rows)

    def run_metadata(self) -> Mapping[str, Any]:
        """A preview of the published rows."""
        names = ", ".join(column.name for column in self._contract.columns[: metadata.PREVIEW_COLUMNS])
        rows = self._session.query(
            f"SELECT {names} FROM {self._contract.full_name} "  # names come from the contract
            f"WHERE {self._contract.partition_column} BETWEEN @start_date AND @end_date "
            f"ORDER BY {self._contract.partition_column} DESC, {', '.join(self._contract.key)} "
            f"LIMIT {metadata.PREVIEW_ROWS}"
        ).to_pylist()
        found: dict[str, Any] = {"backfill/preview": metadata.preview(rows)}
        columns = lineage_of(self._entry)
        if columns:
            found["dagster/column_lineage"] = metadata.column_lineage(columns)
        if self._loaded is not None:
            found["backfill/files_read"] = self._loaded.files_read
        return found

    def _by_day(self, statement: str) -> dict[date, dict[str, Any]]:
        text = sql.render(sql.load(PACKAGE, statement), **self._entry.identifiers)
        return {row["partition_date"]: row for row in self._session.query(text).to_pylist()}

    def _describe(self, day: date, digest: Digest, coverage: Mapping[str, Any], quarantined: int) -> StagedPartition:
        state, reason = self._state(day, digest, coverage, quarantined)
        warnings = self._loaded.warnings.get(day, []) if self._loaded else []
        return StagedPartition(
            partition=str(day),
            state=state,
            rows=digest.rows,
            digest=digest.value,
            reason=reason,
            rows_expected=None,
            quarantined=quarantined,
            warnings=tuple(warnings),
        )

    def _state(self, day: date, digest: Digest, coverage: Mapping[str, Any], quarantined: int) -> tuple[State, str]:
        """State and reason of a staged partition, against what the schedule expects."""
        if self._contract is SCHEDULE:
            if str(day) in self._lost_keys():
                return State.MISSING, "no schedule file of the season"
            return (State.COMPLETE, "") if digest.rows else (State.EXPECTED_EMPTY, "no_games")
        expected, found = coverage.get("keys_expected", 0), coverage.get("keys_found", 0)
        if not expected:
            # A roster is worth keeping on a day without games.
            return (State.COMPLETE, "") if digest.rows else (State.EXPECTED_EMPTY, self._empty_reason(day))
        if found < expected:
            return (State.PARTIAL if found else State.MISSING), f"{found} of {expected} {self._entry.coverage.unit}"
        return (State.QUARANTINED, f"{quarantined} set aside") if quarantined else (State.COMPLETE, "")

    def _empty_reason(self, day: date) -> str:
        """Why the schedule expects nothing; only phase 4 has bootstrap days."""
        said = self._calendar[day]
        return str(said["empty_reason"] or ("bootstrap" if said["is_bootstrap"] else "no_keys_expected"))

    def _measurement(
        self, gate: Gate, partition: str, row: Mapping[str, Any] | None, lost: Sequence[str]
    ) -> Measurement:
        measured, wrong = (int(row["measured"]), int(row["violations"])) if row else (0, 0)
        culprits = row["culprits"].split("\n") if row and row["culprits"] else []
        total, violations = measured + len(lost), wrong + len(lost)
        if not total:
            return self._nothing_measured(gate, partition)
        return Measurement(total, total - violations, violations, self._sample([*lost, *culprits], partition))

    def _sample(self, culprits: Sequence[str], partition: str) -> tuple[str, ...]:
        """Culprits of a red gate; among the first of them the files and rows set aside, which may be why."""
        first, aside = culprits[:FIRST_CULPRITS], self._set_aside(partition) if culprits else []
        return tuple([*first, *aside[:ASIDE_NAMED], *culprits[FIRST_CULPRITS:]][:SAMPLE_SIZE])

    def _set_aside(self, partition: str) -> list[str]:
        """Files and rows of a date that a loader set aside: reason code, where it stands, what is wrong with it."""
        if self._loaded is None:
            return []
        files = [
            f"{item.code} {item.capture.object_key}: {item.detail}"
            for item in self._loaded.set_aside
            if str(item.capture.day) == partition
        ]
        rows = [
            f"{row.code} {row.key} in {capture.object_key}: {row.detail}"
            for capture, row in self._loaded.rejected
            if str(row.day) == partition and row.code != CONFLICT
        ]
        return [*files, *rows]

    def _nothing_measured(self, gate: Gate, partition: str) -> Measurement:
        """Nothing to measure is right when the schedule expects nothing, or the table may be without the date."""
        staged = self._staged[partition]
        if staged.state is State.EXPECTED_EMPTY:
            evidence = self._calendar.get(date.fromisoformat(partition), {})
            named = ", ".join(f"{name} {value}" for name, value in evidence.items())
            return Measurement(0, 0, 0, (), f"not applicable, expected_empty: {staged.reason}; schedule: {named}")
        if staged.state is State.COMPLETE and not staged.rows:
            return Measurement(0, 0, 0, (), "not applicable: every expected game is in nba_reference.accepted_gaps")
        if gate.may_be_empty:
            return Measurement(0, 0, 0, (), f"no rows to measure; state {staged.state}: {staged.reason}")
        nothing = f"nothing measured; state {staged.state}: {staged.reason}"
        return Measurement(1, 0, 1, self._sample([nothing], partition))

    def _quarantined_rows(self) -> dict[date, int]:
        counts: dict[date, int] = {}
        for _, row in self._loaded.rejected if self._loaded else ():
            counts[row.day] = counts.get(row.day, 0) + 1
        return counts

    def _lost_keys(self) -> dict[str, list[str]]:
        """Keys that no row is left of, and days whose season file was not loaded."""
        lost: dict[str, list[str]] = {}
        conflicts = [row for _, row in self._loaded.rejected if row.code == CONFLICT] if self._loaded else []
        accepted = self._accepted_games() if conflicts else frozenset[str]()
        for row in conflicts:
            if row.key.partition("/")[0] not in accepted:
                lost.setdefault(str(row.day), []).append(f"{row.key} ({row.detail})")
        for day, reason in (self._loaded.lost_days if self._loaded else {}).items():
            lost.setdefault(str(day), []).append(reason)
        return lost

    def _accepted_games(self) -> frozenset[str]:
        """Games of the range whose rows somebody has given up in this table."""
        found = self._session.query(
            "SELECT game_id FROM nba_reference.accepted_games "
            "WHERE game_date BETWEEN @start_date AND @end_date AND table_name = @table_name",
            {"table_name": self._contract.full_name},
        )
        return frozenset(found["game_id"].to_pylist())


@contextmanager
def open_target(
    context: dg.AssetExecutionContext,
    admission: Admission,
    *,
    warehouse: Warehouse,
    entry: Entry,
    compute: Compute,
) -> Iterator[WarehouseTarget]:
    """A target over one warehouse session; a crash inside leaves its own rows in the run history."""
    run = RunInfo(
        run_id=context.run.run_id,
        triggered_by=_triggered_by(context.run.tags),
        started_at=utc_now(),
        attempt=context.retry_number + 1,
        mode=admission.mode,
    )
    days = tuple(date.fromisoformat(partition) for partition in admission.partitions)
    with warehouse.session(Work(context.run.run_id, entry.contract.full_name, days)) as session:
        target = WarehouseTarget(session, entry, run, compute)
        try:
            yield target
        except Exception as error:
            try:
                target.record_crash(admission.partitions, error)
            except StoreError as second:
                error.add_note(f"the run history could not be written either: {second}")
            raise


def _triggered_by(tags: Mapping[str, str]) -> str:
    for tag, name in (
        ("dagster/backfill", "backfill"),
        ("dagster/sensor_name", "sensor"),
        ("dagster/schedule_name", "schedule"),
        ("dagster/auto_materialize", "automation"),
        (CLI_TAG, "cli"),
    ):
        if tag in tags:
            return name
    return "manual"
