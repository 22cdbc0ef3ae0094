"""What is red or set aside waits in the quarantine until a person decides, and the decision counts on the next run."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from backfill_pipelines.coffee.judging import Decision, JudgementRefused, SetAside, judge, load_rows
from backfill_pipelines.coffee.mode_report import ModeReport
from backfill_pipelines.coffee.modes import BackfillRed, apply_plan, plan_backfill
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines_tests.coffee.coffee_world import NOW, SUNDAY, CoffeeWorld, shopify

WEEK = timedelta(days=7)
DAY = SUNDAY.date()


def applied(coffee: CoffeeWorld, **scope: Any) -> ModeReport:
    world = coffee.modes()
    return apply_plan(world, plan_backfill(world, Scope("incremental", (SUNDAY - WEEK).date(), DAY, **scope)).id)


def aside(coffee: CoffeeWorld, state: str = "open") -> list[SetAside]:
    with coffee.postgres.connect("test") as connection:
        return load_rows(connection, state=state)


def decide(coffee: CoffeeWorld, decision: Decision, why: str = "asked the shop", **which: Any) -> None:
    with coffee.postgres.connect("test") as connection:
        ids = which.get("ids") or [one.id for one in load_rows(connection, state="open")]
        judge(connection, ids, decision, why=why, by="me", at=NOW)


def state_of(coffee: CoffeeWorld) -> Mapping[str, int]:
    return plan_backfill(coffee.modes(), Scope("incremental", DAY, DAY)).states


def test_prices_that_moved_are_published_once_a_person_has_released_them(coffee: CoffeeWorld) -> None:
    coffee.store(shopify("450.00"), SUNDAY - WEEK)
    applied(coffee)
    coffee.store(shopify("950.00"), SUNDAY)
    with pytest.raises(BackfillRed, match="price_spikes_are_reviewed"):
        applied(coffee)
    (row,) = aside(coffee)
    assert (row.reason, row.day, row.subject[:7]) == ("Q_GATE_price_spikes_are_reviewed", DAY, "capture")
    assert "950" in row.why
    assert coffee.value("SELECT count(*) FROM staged_rows") == 9
    assert coffee.value("SELECT max(price) FROM prices") == 450
    decide(coffee, "released")
    report = applied(coffee, retry_red=True)
    assert report.is_green
    assert coffee.value("SELECT count(*) FROM prices WHERE price = 950") == 6
    assert coffee.value("SELECT count(*) FROM staged_rows") == 0
    assert coffee.value("SELECT count(*) FROM product_artifacts WHERE 'R_PRICE_SPIKE' = ANY(codes)") == 3
    assert state_of(coffee) == {"complete": 1}
    (row,) = aside(coffee, "released")
    assert row.why.endswith("(released by me: asked the shop)")


def test_too_many_products_set_aside_are_named_and_their_day_is_published_without_them_when_rejected(
    coffee: CoffeeWorld,
) -> None:
    products = shopify(count=4)
    products[2]["title"] = ""
    coffee.store(products, SUNDAY)
    with pytest.raises(BackfillRed, match="invalid_share_is_within_limit"):
        applied(coffee)
    assert {(one.reason, one.product) for one in aside(coffee)} == {
        ("Q_NO_TITLE", "1002"),
        ("Q_GATE_invalid_share_is_within_limit", ""),
        ("Q_GATE_quarantine_is_within_limit", ""),
    }
    (product,) = [one.id for one in aside(coffee) if one.product]
    decide(coffee, "rejected", ids=[product])
    assert applied(coffee, retry_red=True).is_green
    assert coffee.value("SELECT count(*) FROM coffees") == 3
    assert aside(coffee) == []
    assert state_of(coffee) == {"complete": 1}


def test_a_validation_sets_nothing_aside(coffee: CoffeeWorld) -> None:
    products = shopify()
    products[2]["title"] = ""
    coffee.store(products, SUNDAY)
    world = coffee.modes()
    with pytest.raises(BackfillRed):
        apply_plan(world, plan_backfill(world, Scope("validation", DAY, DAY)).id)
    assert coffee.value("SELECT count(*) FROM quarantine") == 0
    assert coffee.value("SELECT count(*) FROM staged_rows") == 0


def test_a_decision_has_a_reason_and_a_row_that_waits_for_it(coffee: CoffeeWorld) -> None:
    coffee.execute(
        "INSERT INTO quarantine (roaster_id, day, reason, detail, state) SELECT id, '2025-09-28', 'Q_' || s, '{}', s"
        " FROM roasters, unnest(ARRAY['open', 'superseded']) s"
    )
    (row,) = aside(coffee)
    (gone,) = aside(coffee, "superseded")
    with pytest.raises(JudgementRefused, match="--why"):
        decide(coffee, "rejected", " ")
    with pytest.raises(JudgementRefused, match=f"{gone.id} is superseded, 99 is no row: nothing was released"):
        decide(coffee, "released", ids=[row.id, gone.id, 99])
    assert [one.id for one in aside(coffee)] == [row.id]
    decide(coffee, "released")
    decide(coffee, "rejected", ids=[row.id])
    with pytest.raises(JudgementRefused, match="is rejected"):
        decide(coffee, "rejected", ids=[row.id])
