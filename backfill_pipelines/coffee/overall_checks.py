"""The overall gates as asset checks that can be run at any time from the UI, one verdict each.

Two gates compare the database with what it was before a backfill; they are judged by the backfills alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from backfill_pipelines.backfill.gates import Verdict
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.names import COFFEES
from backfill_pipelines.coffee.overall_gates import ALTERED, OUTSIDE, OVERALL_GATES, mark
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.coffee.whole import overall_verdicts

#: Days that the expected set is judged over.
LOOKBACK = timedelta(days=35)
CHECKED = tuple(gate for gate in OVERALL_GATES if gate.name not in (ALTERED, OUTSIDE))


def build_overall_checks() -> dg.AssetChecksDefinition:
    """The checks, of the asset ``coffee/coffees``."""

    @dg.multi_asset_check(
        name="coffee_overall_gates",
        specs=[dg.AssetCheckSpec(gate.name, asset=COFFEES, description=gate.description) for gate in CHECKED],
        required_resource_keys={"postgres"},
    )
    def overall(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        now = datetime.now(UTC)
        with context.resources.postgres.connect("coffee:checks") as connection:
            require_migrated(connection)
            shops = load_shops(connection)
            expected = load_expected_set(connection, shops, (now - LOOKBACK).date(), now.date(), VERSIONS, now)
            verdicts = overall_verdicts(connection, mark(connection), expected)
            connection.rollback()
        for verdict in verdicts:
            if verdict.gate in CHECKED:
                yield _result(verdict)

    return overall


def _result(verdict: Verdict) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=verdict.passed,
        asset_key=COFFEES,
        check_name=verdict.gate.name,
        metadata=verdict.metadata,
        severity=dg.AssetCheckSeverity.ERROR,
    )
