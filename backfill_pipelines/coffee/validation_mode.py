"""The mode validation: stored bodies read, derived and judged again, and nothing changed.

It writes ``backfill_runs``, ``backfill_partitions`` and ``validation_results`` and no other table; it ends with the
partitions that an incremental backfill would take up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from backfill_pipelines.backfill.gates import Measurement, Verdict, judge
from backfill_pipelines.coffee import partition_gates
from backfill_pipelines.coffee.backfill_ledger import LedgerRun, Settled, load_partitions, settle
from backfill_pipelines.coffee.mode_report import NAMED, ModeReport, tell_progress
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.outside import Allowed
from backfill_pipelines.coffee.overall_gates import Mark, mark
from backfill_pipelines.coffee.plans import load_sizes, make_plan
from backfill_pipelines.coffee.progress import FAILED, OK, Progress
from backfill_pipelines.coffee.range_runs import chunks
from backfill_pipelines.coffee.replay import VERSIONS, derive_days, load_days
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.staging import render, stage
from backfill_pipelines.coffee.time_limits import range_limit
from backfill_pipelines.coffee.whole import expected_now, overall_verdicts
from backfill_pipelines.stores.postgres import Connection, Jsonb, execute

_RESULT = """INSERT INTO validation_results (validation_run_id, subject, subject_id, rule, passed, detail)
VALUES (%(run)s, %(subject)s, %(subject_id)s, %(rule)s, %(passed)s, %(detail)s)
ON CONFLICT (validation_run_id, subject, subject_id, rule) DO UPDATE SET passed = excluded.passed,
  detail = excluded.detail"""


@dataclass
class ValidationRun:
    """One application of a plan."""

    world: ModeWorld
    run: LedgerRun
    report: ModeReport = field(default_factory=ModeReport)

    def apply(self) -> ModeReport:
        """Judge every partition, then the whole."""
        with self.world.postgres.connect(self._name) as connection:
            partitions = [one.key for one in load_partitions(connection, self.run.id)]
            sizes = load_sizes(connection, self.run.scope)
            before = mark(connection, Allowed(self.run.id))
        progress = Progress(len(partitions))
        for keys in chunks(partitions, sizes):
            self._range(keys, progress)
            tell_progress(self.world, self.run.id, progress, self.report)
        self._whole(before)
        with self.world.postgres.connect(self._name) as connection:
            for one in load_partitions(connection, self.run.id):
                self.report.add(one)
        return self.report

    def _range(self, keys: Sequence[str], progress: Progress) -> None:
        """Derive and judge one range; its staging is rolled back, its results are kept."""
        with self.world.postgres.connect(self._name) as connection:
            days = load_days(connection, keys, self.run.scope)
            bodies = derive_days(self.world.artifacts, days.by_key.values(), days.sources, self.run.scope.product_ids)
            with range_limit(keys):
                chunk = render(bodies, VERSIONS)
            stage(connection, chunk)
            verdicts = {key: list[Verdict]() for key in keys}
            for gate in partition_gates.PARTITION_GATES:
                measured = partition_gates.measure(connection, gate, keys, expected_empty=days.empty)
                for verdict in judge(gate, measured, keys):
                    verdicts[verdict.partition].append(verdict)
            connection.rollback()
            for key, day in days.by_key.items():
                red = {one.gate.name: one.text for one in verdicts[key] if one.is_red}
                state, error = ("failed", "; ".join(red.values())) if red else ("ok", None)
                self._keep(connection, "partition", key, verdicts[key])
                ended = Settled(day.roaster_id, day.day, state, day.input_digest, {"red": red}, None, error)
                settle(connection, self.run.id, [ended])
                progress.add(FAILED if red else OK)
        progress.rows += chunk.observations
        self.report.rows += chunk.observations

    def _whole(self, before: Mark) -> None:
        """The overall gates, the account of the expected set, and what an incremental backfill would take up."""
        scope = self.run.scope
        with self.world.postgres.connect(self._name) as connection:
            found = expected_now(connection, scope, self.world.clock())
            verdicts = overall_verdicts(connection, before, found)
            connection.rollback()
            self._keep(connection, "database", "whole", verdicts)
        self.report.more["account"] = list(found.lines())[-1]
        self.report.more["would_repair"] = self._would_repair()
        for verdict in verdicts:
            if verdict.is_red:
                self.report.states["failed"] += 1
                self.report.causes[verdict.gate.name] = verdict.text

    def _would_repair(self) -> list[str]:
        """The partitions that an incremental backfill of the same days would take up."""
        scope = self.run.scope
        again = Scope("incremental", scope.first, scope.last, scope.roasters)
        with self.world.postgres.connect(self._name) as connection:
            plan = make_plan(connection, again, VERSIONS, self.world.clock())
        return [one.key for one in plan.partitions]

    def _keep(self, connection: Connection, subject: str, subject_id: str, verdicts: Sequence[Verdict]) -> None:
        for verdict in verdicts:
            values = {
                "run": self.run.id,
                "subject": subject,
                "subject_id": subject_id,
                "rule": verdict.gate.name,
                "passed": verdict.passed,
                "detail": Jsonb(_detail(verdict.measurement)),
            }
            execute(connection, _RESULT, values)

    @property
    def _name(self) -> str:
        return f"coffee:{self.run.id}"


def _detail(seen: Measurement) -> Mapping[str, Any]:
    return {
        "expected": seen.expected,
        "actual": seen.actual,
        "violations": seen.violations,
        "sample": list(seen.sample[:NAMED]),
        "note": seen.note,
    }
