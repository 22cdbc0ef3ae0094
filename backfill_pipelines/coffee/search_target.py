"""A range of partitions searched for bodies: known to the database, unknown to it in the store, or still to be fetched.

What is found is recorded as it comes, for it is found for good; the gates then say of each day whether what is expected
of it is there. A past day without a body is recorded as unrecoverable, with what was searched as evidence.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.gates import Gate, Measurement, all_measured
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State
from backfill_pipelines.coffee.artifact_rows import record_captures, until_now
from backfill_pipelines.coffee.backfill_ledger import Settled
from backfill_pipelines.coffee.codes import E_OBSERVED_AT_FUTURE
from backfill_pipelines.coffee.evidence import load_expected_set
from backfill_pipelines.coffee.expected_set import RoasterDay
from backfill_pipelines.coffee.live_search import fetch_open_days, search_old_files
from backfill_pipelines.coffee.pauses import PAUSED
from backfill_pipelines.coffee.recovery import Recovery, open_recovery
from backfill_pipelines.coffee.replay import VERSIONS, Day, Days
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute

PACKAGE = "backfill_pipelines.coffee"

WHOLE = Gate(
    "stored_bodies_match_their_hash",
    "Every stored body of the day is there, byte for byte as it was received.",
    "Restore the named objects from a copy of the store, then run the partition again.",
)
PRESENT = Gate(
    "an_expected_capture_is_stored",
    "A day on which the shop ought to have been looked at has a capture for each of its ticks' windows.",
    "Copy the body into the store or import it, then run the partition again; a day that cannot be had is reported as "
    "unrecoverable and stays so.",
)
GATES = (WHOLE, PRESENT)
#: States of a day whose tick has no capture.
_LACKING = (DayState.MISSING, DayState.UNRECOVERABLE)


@dataclass
class SearchTarget:
    """The partitions of one Dagster run; implements the kernel's ``RangeTarget``."""

    recovery: Recovery
    days: Days | None = None
    states: Mapping[str, RoasterDay] = field(default_factory=dict[str, RoasterDay])
    before: Mapping[str, str] = field(default_factory=dict[str, str])
    found: dict[str, int] = field(default_factory=dict[str, int])
    imported: int = 0
    #: Days that wait for the end of a pause, with what it says.
    waiting: dict[str, str] = field(default_factory=dict[str, str])

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        """Search for what the days lack, and say what each has."""
        first = self.recovery.load_days(partitions)
        self.before = {key: day.inputs.digest for key, day in first.by_key.items()}
        began = self.recovery.clock()
        for key in [key for key in partitions if not self.recovery.is_open(key)]:
            self.found[key] = self._search_store(first, first.by_key[key])
        self._judge(partitions)
        if self.recovery.config.apply:
            self._search_elsewhere()
            self._judge(partitions)
            self._give_up(began)
        return {key: self._staged(day) for key, day in self._days.by_key.items()}

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        """One gate on each day."""
        measured = self._bodies if gate.name == WHOLE.name else self._presence
        return {p: measured(self._days.by_key[p]) for p in partitions}

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:  # noqa: ARG002
        """What was found is recorded already."""
        days = self._days.by_key
        return {
            p: Decision.ALREADY_DONE if days[p].inputs.digest == self.before[p] else Decision.PUBLISHED
            for p in partitions
        }

    def record(self, outcome: RangeOutcome) -> None:
        """Keep in the ledger what is red, and apart from it what cannot be had."""
        self.recovery.settle_red(self.days, outcome, self._unrecoverable)
        days = {key: self._days.by_key[key] for key in self.waiting}
        self.recovery.settle(
            [
                Settled(day.roaster_id, day.day, "pending", error_code=PAUSED, error=self.waiting[key])
                for key, day in days.items()
            ]
        )

    def run_metadata(self) -> Mapping[str, Any]:
        """What the search brought."""
        return {"coffee/found_in_store": sum(self.found.values()), "coffee/imported": self.imported}

    @property
    def _days(self) -> Days:
        assert self.days is not None  # noqa: S101  (stage comes first)
        return self.days

    @property
    def _unrecoverable(self) -> frozenset[str]:
        return frozenset(key for key, day in self.states.items() if day.state is DayState.UNRECOVERABLE)

    def _search_store(self, days: Days, day: Day) -> int:
        """Record bodies of the day that the store holds and the database does not know."""
        _, slug = day.key.split("|", 1)
        known = {capture.id for capture in day.captures}
        listed = self.recovery.artifacts.listing(slug, [day.day]).captures
        own = set(days.shops.sources.get(day.roaster_id, ()))
        unknown = [one for one in listed if one.id not in known and one.source_id in own]
        unknown, of_future = until_now(unknown, self.recovery.clock())
        for one in of_future:
            self.recovery.log(f"{E_OBSERVED_AT_FUTURE}: {one.storage_uri} is of {one.observed_at}; it is left alone")
        if not unknown:
            return 0
        with self.recovery.postgres.connect(self.recovery.application_name) as connection:
            return record_captures(connection, unknown)

    def _judge(self, partitions: Sequence[str]) -> None:
        """Load the days again with their states."""
        self.days = self.recovery.load_days(partitions)
        wanted = [day.day for day in self.days.by_key.values()]
        with self.recovery.postgres.connect(self.recovery.application_name) as connection:
            found = load_expected_set(
                connection, self.days.shops, min(wanted), max(wanted), VERSIONS, self.recovery.clock()
            )
        self.states = {day.key: day for day in found.days if day.key in self.days.by_key}

    def _search_elsewhere(self) -> None:
        """Old files for the days that lack a capture; then the shops of days that are still open and not whole."""
        free = [day for key, day in self.states.items() if key not in self.recovery.busy]
        lacking = {day.key for day in free if day.state in _LACKING}
        self.imported = search_old_files(self.recovery, lacking)
        if self.recovery.config.fetch:
            wanted = (DayState.MISSING, DayState.NOT_DUE, DayState.PARTIAL)
            self.waiting = fetch_open_days(self.recovery, [day for day in free if day.state in wanted])

    def _give_up(self, searched_at: datetime) -> None:
        """Record days whose window is closed and that were searched for in vain."""
        lost = [day for key, day in self.states.items() if self._is_lost(self._days.by_key[key], day, searched_at)]
        if not lost:
            return
        with self.recovery.postgres.connect(self.recovery.application_name) as connection:
            for day in lost:
                self._record_lost(connection, day, searched_at)
        self._judge(list(self._days.by_key))

    def _is_lost(self, day: Day, state: RoasterDay, now: datetime) -> bool:
        closed = all(now > tick.window_end for tick in state.ticks)
        return state.state is DayState.MISSING and closed and not day.captures and day.key not in self.recovery.busy

    def _record_lost(self, connection: Connection, day: RoasterDay, searched_at: datetime) -> None:
        evidence = {
            "searched": ["scrape_artifacts", "artifact store", *filter(None, [self.recovery.settings.legacy_url])],
            "ticks": [tick.at.isoformat() for tick in day.ticks],
            "backfill_run": str(self.recovery.run.id),
        }
        values = {
            "roaster": day.roaster.id,
            "day": day.day,
            "reason": f"no stored body for the {' and '.join(tick.kind for tick in day.ticks)} tick",
            "evidence": Jsonb(evidence),
            "searched_at": searched_at,
        }
        execute(connection, sql.load(PACKAGE, "modes/record_lost"), values)

    def _staged(self, day: Day) -> StagedPartition:
        state = self.states[day.key]
        kind, reason = State.COMPLETE, ""
        if state.state in _LACKING:
            kind, reason = State.MISSING, f"{state.state}: {state.reason}"
        elif not day.captures:
            kind, reason = State.EXPECTED_EMPTY, state.reason or "its tick was met on another day"
        elif state.state is DayState.PARTIAL:
            kind, reason = State.PARTIAL, state.reason
        # A tick whose window is open and that nobody has tried: nothing can be said of the day yet.
        is_waiting = (state.state is DayState.NOT_DUE and not day.captures) or day.key in self.waiting
        return StagedPartition(
            partition=day.key,
            state=kind,
            reason=reason,
            rows=len(day.captures),
            digest=day.input_digest,
            is_open=is_waiting or self.recovery.is_open(day.key),
            metadata={"coffee/day_state": f"{state.state} {state.reason}".strip(), "coffee/bytes": day.inputs.bytes},
        )

    def _bodies(self, day: Day) -> Measurement:
        loaded = list(self.recovery.artifacts.load_bodies(day.captures))
        wrong = [str(one.error) for one in loaded if one.error]
        return all_measured(len(wrong), len(loaded), wrong)

    def _presence(self, day: Day) -> Measurement:
        state = self.states[day.key]
        if day.captures or state.state not in _LACKING:
            return all_measured(0, max(1, len(state.ticks)), note=state.reason)
        return all_measured(1, max(1, len(state.ticks)), [f"{state.state}: {state.reason}"])


@contextmanager
def open_search_target(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[SearchTarget]:
    """The target of a run."""
    with open_recovery(context, admission) as recovery:
        yield SearchTarget(recovery)
