"""The mode full, and selective in its manner: everything of a scope derived again beside the live tables, then swapped.

Live rows are readable and unchanged until one transaction publishes the whole; a red overall gate takes it back. Rows
that the replay does not reproduce are kept and reported: a missing body cannot remove history.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gates import Verdict, judge
from backfill_pipelines.coffee import partition_gates
from backfill_pipelines.coffee.backfill_ledger import LedgerRun, Settled, load_partitions, settle
from backfill_pipelines.coffee.full_events import tell_dagster
from backfill_pipelines.coffee.intake import intake, pause_intake, resume_intake
from backfill_pipelines.coffee.mode_report import ModeReport, tell_progress
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.outside import Allowed
from backfill_pipelines.coffee.pauses import BackfillPaused, assets_paused
from backfill_pipelines.coffee.plans import load_sizes
from backfill_pipelines.coffee.progress import FAILED, OK, Progress, TooManyFailed
from backfill_pipelines.coffee.publishing import publish
from backfill_pipelines.coffee.range_runs import chunks
from backfill_pipelines.coffee.replay import VERSIONS, Day, Days, derive_days, load_days
from backfill_pipelines.coffee.selecting import restrict
from backfill_pipelines.coffee.shadow import Shadow, open_shadow
from backfill_pipelines.coffee.staging import Chunk, render, stage
from backfill_pipelines.coffee.time_limits import range_limit
from backfill_pipelines.coffee.whole import Before, expected_now, made_worse, overall_verdicts, take_before
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, read_rows, session_lock, transaction_lock

PACKAGE = "backfill_pipelines.coffee"
#: The lock of full backfills: there is one at a time.
LOCK = "coffee:full"


class FullRefused(BackfillError):
    """The full backfill may not begin, or its result may not become the live state; nothing was changed."""


@dataclass
class FullRun:
    """One application of a plan."""

    world: ModeWorld
    run: LedgerRun
    report: ModeReport = field(default_factory=ModeReport)
    verdicts: dict[str, list[Verdict]] = field(default_factory=dict[str, list[Verdict]])
    #: Of the partitions that are held back, the verdicts that block; as judged.
    red: dict[str, list[Verdict]] = field(default_factory=dict[str, list[Verdict]])

    def apply(self) -> ModeReport:
        """Derive, judge, and swap in what is green.

        Raises:
            FullRefused: another full backfill is under way, or an overall gate is red.
            TooManyFailed: the failure threshold was passed; nothing is published.
        """
        with self.world.postgres.connect(self._name) as connection:
            partitions = [one.key for one in load_partitions(connection, self.run.id)]
            sizes = load_sizes(connection, self.run.scope)
        with (
            self.world.postgres.connect(self._name, autocommit=True) as connection,
            session_lock(connection, LOCK) as is_ours,
        ):
            if not is_ours:
                raise FullRefused("another full backfill is under way. Repair: wait until it ends")
            with self._paused_intake(), open_shadow(connection, self.run.id) as shadow:
                days = self._derive(connection, shadow, list(chunks(partitions, sizes)))
                self._judge(shadow, partitions)
                self._require_few_red(days)
                self._swap(shadow, days)
        self._settle(days)
        self._tell_dagster([key for key in days if key not in self.red])
        return self.report

    @contextmanager
    def _paused_intake(self) -> Iterator[None]:
        """Pause the live intake, and resume it afterwards, also after a failure; one that was paused stays so.

        A pause that a process of this backfill has left behind when it was killed is its own.
        """
        reason = f"full backfill {self.run.id}"
        with self.world.postgres.connect(self._name) as connection:
            found = intake(connection)
            was_paused = found.paused and found.reason != reason
            if not was_paused:
                pause_intake(connection, reason=reason, by=f"run {self.world.dagster_run_id}")
        try:
            yield
        finally:
            if not was_paused:
                with self.world.postgres.connect(self._name) as connection:
                    resume_intake(connection)

    def _derive(self, connection: Connection, shadow: Shadow, parts: Sequence[list[str]]) -> Mapping[str, Day]:
        """Derive every body of the scope again, chunk by chunk, into the shadow."""
        progress, began = Progress(sum(len(keys) for keys in parts), ranges=len(parts)), time.monotonic()
        tell_progress(self.world, self.run.id, progress, self.report)
        found = dict[str, Day]()
        for keys in parts:
            if paused := assets_paused(self.world.instance):
                raise BackfillPaused(
                    f"the full backfill was stopped before anything was published: {paused}, then: backfill coffee run "
                    f"{self.run.id}"
                )
            days = load_days(connection, keys, self.run.scope)
            found |= days.by_key
            chunk = self._rendered(days)
            shadow.add(connection, chunk)
            self.report.rows += chunk.observations
            self.report.bytes += sum(day.inputs.bytes for day in days.by_key.values())
            progress.add(OK, len(keys), chunk.observations)
            progress.ranges_done += 1
            tell_progress(self.world, self.run.id, progress, self.report)
        self.report.add_seconds("coffee__product_artifacts", time.monotonic() - began)
        return found

    def _rendered(self, days: Days) -> Chunk:
        bodies = derive_days(self.world.artifacts, days.by_key.values(), days.sources, self.run.scope.product_ids)
        with range_limit(list(days.by_key)):
            return render(bodies, VERSIONS)

    def _judge(self, shadow: Shadow, partitions: Sequence[str]) -> None:
        """Judge each partition and say how the shadow differs from the live rows; nothing is kept of it."""
        with self.world.postgres.connect(self._name) as connection:
            stage(connection, shadow.read(connection))
            for gate in partition_gates.PARTITION_GATES:
                measured = partition_gates.measure(connection, gate, partitions)
                for verdict in judge(gate, measured, partitions):
                    self.verdicts.setdefault(verdict.partition, []).append(verdict)
                    if verdict.is_red:
                        self.red.setdefault(verdict.partition, []).append(verdict)
            restrict(connection, self.run.scope)
            self.report.more["difference"] = self._difference(connection)
            connection.rollback()

    def _require_few_red(self, days: Mapping[str, Day]) -> None:
        """Publish nothing when so much is red that something else must be wrong; the ledger says what is red.

        Raises:
            TooManyFailed: the failure threshold was passed.
        """
        judged = Progress(len(days))
        judged.add(OK, len(days) - len(self.red))
        judged.add(FAILED, len(self.red))
        try:
            judged.require_few_failed()
        except TooManyFailed:
            self._settle_red(days)
            self._tell_dagster(())
            raise

    def _difference(self, connection: Connection) -> dict[str, dict[str, int]]:
        scope, found = self.run.scope, dict[str, dict[str, int]]()
        roasters = {one.roaster_id for one in load_partitions(connection, self.run.id)}
        values = Allowed(self.run.id, list(roasters), scope).values
        for row in read_rows(connection, sql.load(PACKAGE, "modes/difference"), values):
            found.setdefault(row["table_name"], {})[row["kind"]] = row["count"]
            if row["kind"] == "unreproduced":
                self.report.more.setdefault("unreproduced", {})[row["table_name"]] = row["sample"]
        return found

    def _swap(self, shadow: Shadow, days: Mapping[str, Day]) -> None:
        """One transaction: the plan still holds, the green partitions are published, the overall gates are green."""
        began = time.monotonic()
        with self.world.postgres.connect(self._name) as connection:
            for source in sorted({str(capture.source_id) for day in days.values() for capture in day.captures}):
                transaction_lock(connection, f"coffee:{source}")
            self._require_same_inputs(connection, days)
            before = take_before(connection, self.run)
            staged = stage(connection, shadow.read(connection))
            restrict(connection, self.run.scope)
            green = [key for key in staged.partitions if key not in self.red]
            counts = publish(connection, staged, green, self.run.id)
            self._require_green(connection, before)
            settle(connection, self.run.id, [self._green(day) for key, day in days.items() if key not in self.red])
        self.report.add_seconds("coffee__coffees", time.monotonic() - began)
        self.report.written.update(counts.written)

    def _require_same_inputs(self, connection: Connection, days: Mapping[str, Day]) -> None:
        """The stored bodies are still those that were derived.

        Not the whole fingerprint again: ticks whose window has closed in the meantime do not make the result wrong.
        """
        now = load_days(connection, list(days), self.run.scope).by_key if days else {}
        changed = [key for key, day in days.items() if now[key].input_digest != day.input_digest]
        if changed:
            raise FullRefused(
                f"stored bodies of {len(changed)} days have changed while they were derived, e.g. {changed[0]}; "
                "nothing was published. Repair: make a new plan: backfill coffee plan full"
            )

    def _require_green(self, connection: Connection, before: Before) -> None:
        """Take everything back when the whole does not hold."""
        found = expected_now(connection, self.run.scope, self.world.clock())
        red = made_worse(overall_verdicts(connection, before.mark, found), before)
        if red:
            raise FullRefused(
                "overall gates are red after the swap, which was taken back:\n"
                + "\n".join(f"  {verdict.text}" for verdict in red)
                + "\nRepair: see backfill coffee validate, which names the rows"
            )

    def _green(self, day: Day) -> Settled:
        whole = all(one.completeness in ("complete", "not_modified") for one in day.captures)
        return Settled(day.roaster_id, day.day, "ok" if whole else "partial", day.input_digest, {"mode": "full"})

    def _settle(self, days: Mapping[str, Day]) -> None:
        """Write down the red partitions, and count all of them."""
        self._settle_red(days)
        with self.world.postgres.connect(self._name) as connection:
            for one in load_partitions(connection, self.run.id):
                self.report.add(one)

    def _settle_red(self, days: Mapping[str, Day]) -> None:
        ended = [
            Settled(
                days[key].roaster_id,
                days[key].day,
                "failed",
                days[key].input_digest,
                {"red": {verdict.gate.name: verdict.text for verdict in verdicts}},
                "gates_red",
                "; ".join(verdict.text for verdict in verdicts),
            )
            for key, verdicts in self.red.items()
        ]
        with self.world.postgres.connect(self._name) as connection:
            settle(connection, self.run.id, ended)

    def _tell_dagster(self, published: Sequence[str]) -> None:
        """Show what was published and how it was judged; where nothing was, only what is red."""
        shown = self.verdicts if published else self.red
        tell_dagster(self.world.instance, self.world.dagster_run_id, self.run, published, shown)

    @property
    def _name(self) -> str:
        return f"coffee:{self.run.id}"
