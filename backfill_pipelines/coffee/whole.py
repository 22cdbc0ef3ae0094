"""The database as a whole around a backfill: its overall gates before and after, and what the backfill made worse.

A gate that was red before and is no worse afterwards is no fault of the backfill: it is reported, and blocks nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backfill_pipelines.backfill.gates import Verdict
from backfill_pipelines.coffee import overall_gates
from backfill_pipelines.coffee.backfill_ledger import LedgerRun
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import ExpectedSet
from backfill_pipelines.coffee.outside import Allowed
from backfill_pipelines.coffee.overall_gates import ALTERED, OUTSIDE, OVERALL_GATES, Mark, measure_overall
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores.postgres import Connection


@dataclass(frozen=True)
class Before:
    """What was there before a backfill."""

    mark: Mark
    violations: Mapping[str, int]


def take_before(connection: Connection, run: LedgerRun) -> Before:
    """Take down what a backfill must leave alone, and what is wrong already."""
    named = [roaster.id for roaster in load_shops(connection, run.scope.roasters or None).roasters]
    mark = overall_gates.mark(connection, Allowed(run.id, named, run.scope))
    compares = (ALTERED, OUTSIDE, overall_gates.EXPECTED)
    measured = {
        gate.name: measure_overall(connection, gate).violations for gate in OVERALL_GATES if gate.name not in compares
    }
    return Before(mark, measured)


def overall_verdicts(connection: Connection, before: Mark, found: ExpectedSet) -> list[Verdict]:
    """Every overall gate; the transaction's temporary tables are used."""
    unexplained = [day.key for day in found.days if not day.reason and day.state is not DayState.COMPLETE]
    expected = overall_gates.ExpectedSet(len(found.days), unexplained)
    return [
        Verdict(gate, "whole", measure_overall(connection, gate, before=before, expected=expected))
        for gate in OVERALL_GATES
    ]


def made_worse(verdicts: Sequence[Verdict], before: Before) -> list[Verdict]:
    """The red verdicts of gates that had fewer violations before."""
    return [v for v in verdicts if v.is_red and v.measurement.violations > before.violations.get(v.gate.name, 0)]


def expected_now(connection: Connection, scope: Scope, now: datetime) -> ExpectedSet:
    """The expected set of a scope."""
    shops = load_shops(connection, scope.roasters or None)
    return load_expected_set(connection, shops, scope.first, scope.last, VERSIONS, now)
