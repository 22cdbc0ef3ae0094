"""What a person has set takes effect when it is asked for, once, and can be taken back."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.coffee.backfill_ledger import newest_runs
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.operations import Report
from backfill_pipelines.coffee.overall_gates import FOLD, OVERALL_GATES, measure_overall
from backfill_pipelines.coffee.overriding import OverrideWrong, apply_overrides
from backfill_pipelines.coffee.undoing import roll_back
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.databases import insert
from backfill_pipelines_tests.coffee.observed import at, body, one, product, publish_all, rows
from backfill_pipelines_tests.coffee.operated import operations_on

REGIONS = "SELECT platform_product_id AS product, region FROM coffees ORDER BY 1"


@pytest.fixture(autouse=True)
def _published(postgres: Postgres, source: Source) -> None:
    products = [product(number, {f"{number}1": "100"}, region="Coorg") for number in ("1", "2")]
    publish_all(postgres, body(source, at(1), products))


def override(postgres: Postgres, field: str, value: str, number: str = "1") -> None:
    with postgres.connect("test") as connection:
        coffee = one(postgres, "SELECT id FROM coffees WHERE platform_product_id = %s", number)
        row = {"coffee_id": coffee, "field": field, "value": value, "set_by": "ann", "set_at": at(2)}
        insert(connection, "field_overrides", **row)


def applied(postgres: Postgres, folder: Path, *, apply: bool = True, **values: Any) -> Report:
    return apply_overrides(operations_on(postgres, folder), apply=apply, **values)


def regions(postgres: Postgres) -> dict[str, str]:
    return {row["product"]: row["region"] for row in rows(postgres, REGIONS)}


def run_of(report: Report) -> uuid.UUID:
    found = re.search(r"rollback (\S+)$", report.lines[-1])
    assert found, report.lines
    return uuid.UUID(found[1])


def test_a_dry_run_names_what_would_change_and_changes_nothing(postgres: Postgres, tmp_path: Path) -> None:
    override(postgres, "region", '"Araku"')
    found = applied(postgres, tmp_path, apply=False)
    assert found.lines == ["blue-tokai product 1: region Coorg -> Araku"]
    assert (found.before["coffees that say otherwise"], found.after["coffees that say otherwise"]) == (1, 0)
    assert regions(postgres)["1"] == "Coorg"
    assert one(postgres, "SELECT count(*) FROM backfill_runs WHERE scope ? 'overrides'") == 0


def test_what_was_set_takes_effect_once_and_agrees_with_the_fold(postgres: Postgres, tmp_path: Path) -> None:
    override(postgres, "region", '"Araku"')
    assert applied(postgres, tmp_path).applied
    assert regions(postgres) == {"1": "Araku", "2": "Coorg"}
    again = applied(postgres, tmp_path)
    assert (again.applied, again.lines) == (False, ["nothing to do: every coffee says what was set"])
    assert one(postgres, "SELECT count(*) FROM backfill_runs WHERE scope ? 'overrides'") == 1
    (gate,) = [gate for gate in OVERALL_GATES if gate.name == FOLD]
    with postgres.connect("test") as connection:
        assert measure_overall(connection, gate).violations == 0


def test_a_run_of_overrides_is_rolled_back_by_its_id(postgres: Postgres, tmp_path: Path) -> None:
    override(postgres, "region", '"Araku"')
    run = run_of(applied(postgres, tmp_path))
    override(postgres, "region", '"Wayanad"', "2")
    roll_back(operations_on(postgres, tmp_path), run, apply=True)
    assert regions(postgres) == {"1": "Coorg", "2": "Coorg"}
    assert one(postgres, "SELECT value FROM field_overrides") == "Wayanad", "what the run had no part in stays set"
    with postgres.connect("test") as connection:
        kinds = [run.kind for run in newest_runs(connection)]
    assert kinds[:2] == [f"rollback of {run}", "overrides"]


def test_what_a_person_takes_back_is_folded_out_again(postgres: Postgres, tmp_path: Path) -> None:
    override(postgres, "region", '"Araku"')
    applied(postgres, tmp_path)
    with postgres.connect("test") as connection:
        execute(connection, "DELETE FROM field_overrides")
    assert applied(postgres, tmp_path).applied
    assert regions(postgres)["1"] == "Coorg"


def test_a_roaster_that_was_not_asked_for_is_left_alone(postgres: Postgres, tmp_path: Path) -> None:
    with postgres.connect("test") as connection:
        insert(connection, "roasters", id=uuid.uuid4(), slug="maverick", name="Maverick")
    override(postgres, "region", '"Araku"')
    assert not applied(postgres, tmp_path, roaster="maverick").applied
    assert applied(postgres, tmp_path, roaster="blue-tokai").applied


WRONG = [
    ("roast_level", '"banana"', "is no value of it: .*banana", "cannot be .*banana"),
    ("roast", '"dark"', "is of no field that can be set", "is no field that can be set"),
    ("last_seen_at", '"2025-01-01"', "is of no field that can be set", "is no field that can be set"),
    ("name", "null", "leaves the coffee without a name", "would be left without a name"),
]


@pytest.mark.parametrize(("field", "value", "why"), [(field, value, why) for field, value, _, why in WRONG])
def test_a_value_that_does_not_fit_cannot_be_set(postgres: Postgres, field: str, value: str, why: str) -> None:
    """Or every later publishing of the roaster would fail for it."""
    with pytest.raises(Exception, match=rf"(?s)field_overrides: .*{why}"):
        override(postgres, field, value)
    assert one(postgres, "SELECT count(*) FROM field_overrides") == 0


@pytest.mark.parametrize(("field", "value", "why"), [(field, value, why) for field, value, why, _ in WRONG])
def test_one_that_was_set_before_it_was_checked_is_named_and_nothing_changes(
    postgres: Postgres, tmp_path: Path, field: str, value: str, why: str
) -> None:
    with postgres.connect("test") as connection:
        execute(connection, "ALTER TABLE field_overrides DISABLE TRIGGER overrides_fit")
    override(postgres, field, value)
    with pytest.raises(OverrideWrong, match=rf"{field} of coffee .*{why}.*Repair: correct or delete the row"):
        applied(postgres, tmp_path)
