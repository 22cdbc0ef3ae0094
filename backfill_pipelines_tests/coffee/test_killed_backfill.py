"""A backfill killed at any step loses nothing and doubles nothing, and the next run ends where it would have."""

import subprocess
import sys
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.coffee.modes import apply_plan, plan_backfill
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify

SCOPE = Scope("incremental", date(2025, 9, 15), date(2025, 9, 28))
ROOT = Path(__file__).parents[2]
STEPS = ("search", "derive", "staged", "published", "committed", "full")


def two_captures(coffee: CoffeeWorld) -> None:
    coffee.store(shopify("450.00", count=4), SUNDAY - timedelta(days=7))
    coffee.store(shopify("460.00"), SUNDAY, recorded=False)


def killed(coffee: CoffeeWorld, plan: str, where: str) -> int:
    database = coffee.postgres
    assert database.embedded
    command = [sys.executable, "-W", "ignore", "-m", "backfill_pipelines_tests.coffee.killed_backfill"]
    arguments = [database.embedded, database.database, str(coffee.folder), plan, where]
    return subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, check=False, timeout=300).returncode


@pytest.fixture(scope="module")
def undisturbed() -> list[str]:
    """The digest of a backfill that nobody killed, once it is known."""
    return []


@pytest.mark.parametrize("where", STEPS)
def test_what_is_there_after_the_next_run_is_what_would_have_been_there(
    coffee: CoffeeWorld, undisturbed: list[str], where: str
) -> None:
    two_captures(coffee)
    scope = SCOPE if where != "full" else replace(SCOPE, mode="full")
    if where == "full":
        coffee.run(SUNDAY.date(), SUNDAY.date(), assets=(0,))
    plan = plan_backfill(coffee.modes(), scope)
    assert killed(coffee, str(plan.id), where) == -9
    published = coffee.value("SELECT count(*) FROM prices")
    assert published == (14 if where == "committed" else 0), "all of a chunk, or nothing of it"
    report = apply_plan(coffee.modes(), plan.id)
    assert report.is_green
    assert coffee.value("SELECT count(*) FROM prices") == 14
    undisturbed.append(coffee.digest())
    assert len(set(undisturbed)) == 1
    assert coffee.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shadow_%'") == 0
