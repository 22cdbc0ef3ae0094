"""What the tests of the modes share: a scope, two captures a week apart, a plan that is made and applied."""

import uuid
from datetime import date, timedelta
from typing import Any

from backfill_pipelines.coffee.backfill_ledger import load_partitions
from backfill_pipelines.coffee.mode_report import ModeReport
from backfill_pipelines.coffee.modes import apply_plan, plan_backfill
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify

FIRST, LAST = date(2025, 9, 15), date(2025, 9, 28)
INCREMENTAL = Scope("incremental", FIRST, LAST)
WEEK = timedelta(days=7)


def applied(coffee: CoffeeWorld, scope: Scope = INCREMENTAL, **how: Any) -> ModeReport:
    """A backfill of a scope, planned and applied."""
    world = coffee.modes(**how)
    return apply_plan(world, plan_backfill(world, scope).id)


def two_captures(coffee: CoffeeWorld) -> None:
    """Of two Sundays, with different prices."""
    coffee.store(shopify("450.00"), SUNDAY - WEEK)
    coffee.store(shopify("460.00"), SUNDAY)


def ledger(coffee: CoffeeWorld, run_id: uuid.UUID) -> dict[str, str]:
    """The state of every partition of a backfill."""
    with coffee.postgres.connect("test") as connection:
        return {one.key: one.state for one in load_partitions(connection, run_id)}
