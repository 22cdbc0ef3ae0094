"""Each gate of a roaster's day passes on good captures, fails on a wrong one, and names what is wrong."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from backfill_pipelines.backfill.failures import GateNotMeasured
from backfill_pipelines.backfill.gates import Gate, Measurement
from backfill_pipelines.coffee.model import Rejected, Source
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.staging import StagedBody, render, stage
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.observed import V1, at, body, product, publish_all, store_capture, variant

DAY = "2025-09-08|blue-tokai"
GATES = {gate.name: gate for gate in PARTITION_GATES}
Made = Callable[[Source], StagedBody]


def good(source: Source) -> StagedBody:
    products = [product(str(number), {f"{number}1": "100", f"{number}2": "180"}) for number in range(20)]
    return body(source, at(8), products)


def measured(postgres: Postgres, gate: str, *bodies: StagedBody, **choices) -> Measurement:
    with postgres.connect("test") as connection:
        for one in bodies:
            store_capture(connection, one)
        stage(connection, render(bodies, V1))
        found = measure(connection, GATES[gate], [DAY], **choices)[DAY]
        connection.rollback()
        return found


@pytest.mark.parametrize("gate", GATES)
def test_a_good_capture_passes(postgres: Postgres, source: Source, gate: str) -> None:
    publish_all(postgres, replace_moment(good(source), 1))
    found = measured(postgres, gate, good(source))
    assert (found.violations, found.sample) == (0, ())
    assert found.expected > 0


def replace_moment(one: StagedBody, day: int) -> StagedBody:
    return body(one.source, at(day), one.derived.products)


def with_products(*products, **fields) -> Made:
    return lambda source: body(source, at(8), [*good(source).derived.products, *products], **fields)


def wrong_hash(source: Source) -> StagedBody:
    return replace(good(source), body_sha256="0" * 64)


def other_day(source: Source) -> StagedBody:
    return replace(replace_moment(good(source), 9), day=date(2025, 9, 8))


def captured(**counts: int) -> Made:
    def made(source: Source) -> StagedBody:
        one = good(source)
        return replace(one, derived=replace(one.derived, **counts))

    return made


def invalid_body(source: Source) -> StagedBody:
    one = body(source, at(8), [], rejected=[Rejected("Q_SHAPE", {"code": "E_SHAPE"})])
    return replace(one, derived=replace(one.derived, status="invalid"))


def twice(source: Source) -> StagedBody:
    return with_products(replace(product("x", [variant("x1", "5"), variant("x1", "5")])))(source)


def without_price(source: Source) -> StagedBody:
    return body(source, at(8), [product("1", {"11": "1", "12": None, "13": None, "14": "2"})])


WRONG: Sequence[tuple[str, Made, str]] = [
    ("stored_bodies_match_their_hash", wrong_hash, "products.json"),
    ("observed_at_lies_in_the_partition", other_day, "2025-09-09"),
    ("capture_is_not_empty", lambda source: body(source, at(8), []), "capture "),
    ("every_captured_product_is_accounted_for", captured(captured_products=21), "21 captured, 20 staged, 0 set aside"),
    ("every_captured_variant_is_accounted_for", captured(captured_variants=41), "41 captured, 40 staged, 0 set aside"),
    (
        "invalid_share_is_within_limit",
        with_products(rejected=[Rejected("Q_NO_TITLE", {"code": "E_NO_TITLE"}, "bad")]),
        "product bad: Q_NO_TITLE",
    ),
    ("invalid_share_is_within_limit", invalid_body, "Q_SHAPE"),
    (
        "quarantine_is_within_limit",
        with_products(rejected=[Rejected("Q_CURRENCY_MISMATCH", {"code": "R_CURRENCY_MISMATCH"}, "3", "31")]),
        "product 3: Q_CURRENCY_MISMATCH",
    ),
    (
        "null_rates_are_within_limits",
        with_products(product("x", [variant("x1", "5", weight_g=None)])),
        "product x variant x1",
    ),
    (
        "null_rates_are_within_limits",
        with_products(product("x", [variant("x1", "5", grind=None)])),
        "1 without the grind that they are sold by",
    ),
    ("null_rates_are_within_limits", without_price, "50 % without price"),
    (
        "every_priced_variant_has_its_price_row",
        with_products(product("x", {"x1": "5.0001"})),
        "product x variant x1: 5.0001 INR",
    ),
    ("no_price_is_zero_or_negative", with_products(product("x", {"x1": "0"})), "product x variant x1: 0"),
    (
        "currency_agrees_with_the_source",
        with_products(product("x", [variant("x1", "5", currency="USD")])),
        "product x variant x1: USD, not INR",
    ),
    ("no_near_duplicate_prices", twice, "product x variant x1 2 times"),
]


@pytest.mark.parametrize(("gate", "made", "culprit"), WRONG, ids=[f"{n}-{w[0]}" for n, w in enumerate(WRONG)])
def test_a_wrong_capture_fails_and_is_named(
    postgres: Postgres, source: Source, gate: str, made: Made, culprit: str
) -> None:
    found = measured(postgres, gate, made(source))
    assert found.violations > 0
    assert culprit in "\n".join(found.sample)


def test_a_price_that_another_published_artifact_says_otherwise_is_a_conflict(
    postgres: Postgres, source: Source
) -> None:
    publish_all(postgres, good(source))
    other = body(source, at(8), [product("3", {"31": "101", "32": "180"})], url="export.json")
    found = measured(postgres, "no_two_artifacts_disagree_on_a_price", other)
    assert (found.expected, found.violations) == (2, 1)
    assert found.sample == ("product 3 variant 31: 101 and 100.000",)
    same = body(source, at(8), [product("3", {"31": "100", "32": "180"})], url="export.json")
    assert measured(postgres, "no_two_artifacts_disagree_on_a_price", same).violations == 0


def test_two_staged_artifacts_that_disagree_are_a_conflict(postgres: Postgres, source: Source) -> None:
    bodies = [body(source, at(8), [product("3", {"31": price})], url=price) for price in ("100", "101")]
    found = measured(postgres, "no_two_artifacts_disagree_on_a_price", *bodies)
    assert found.violations == 2


def test_prices_that_move_by_more_than_half_are_listed_and_red_above_a_tenth(
    postgres: Postgres, source: Source
) -> None:
    publish_all(postgres, replace_moment(good(source), 1))
    products = list(good(source).derived.products)
    moved = [product(str(number), {f"{number}1": "200", f"{number}2": "180"}) for number in range(5)]
    few = measured(postgres, "price_spikes_are_reviewed", body(source, at(8), [*moved[:4], *products[4:]]))
    assert few.violations == 0
    assert few.note == "4 moved by more than half: " + "; ".join(
        f"product {number} variant {number}1: 100.000 to 200" for number in range(4)
    )
    many = measured(postgres, "price_spikes_are_reviewed", body(source, at(8), [*moved, *products[5:]]))
    assert many.violations == 5
    assert many.sample[0] == "product 0 variant 01: 100.000 to 200"


def test_a_share_ten_points_above_the_previous_captures_is_named(postgres: Postgres, source: Source) -> None:
    publish_all(postgres, replace_moment(good(source), 1))
    products = list(good(source).derived.products)
    unpriced = [product(str(number), {f"{number}1": None, f"{number}2": "180"}) for number in range(6)]
    found = measured(postgres, "null_rates_are_within_limits", body(source, at(8), [*unpriced, *products[6:]]))
    assert found.sample == ("15 % without price, before 0 %",)
    both = [replace_moment(good(source), 5), body(source, at(8), [*unpriced, *products[6:]])]
    assert measured(postgres, "null_rates_are_within_limits", *both).violations == 1, "the previous one is staged too"


def test_prices_that_stand_twice_within_a_minute_are_listed(postgres: Postgres, source: Source) -> None:
    one = good(source)
    later = body(source, at(8).replace(second=30), one.derived.products, url="again")
    found = measured(postgres, "no_near_duplicate_prices", one, later)
    assert (found.violations, found.note) == (0, "40 prices stand twice within a minute")


def test_a_304_is_not_empty_when_it_confirms_a_stored_body(postgres: Postgres, source: Source) -> None:
    first = replace_moment(good(source), 1)
    again = body(source, at(8), [], completeness="not_modified", sha256=first.body_sha256)
    assert measured(postgres, "capture_is_not_empty", again).violations == 1
    publish_all(postgres, first)
    assert measured(postgres, "capture_is_not_empty", again).violations == 0


def test_a_partition_without_capture_is_red_unless_none_is_expected(postgres: Postgres) -> None:
    red = measured(postgres, "capture_is_not_empty")
    assert (red.violations, red.sample) == (1, (f"{DAY}: no capture",))
    proven = measured(postgres, "capture_is_not_empty", expected_empty=[DAY])
    assert (proven.violations, proven.note) == (0, "no capture, and none is expected")


def test_what_a_person_has_judged_is_no_open_quarantine(postgres: Postgres, source: Source) -> None:
    aside = [Rejected("Q_NO_TITLE", {"code": "E_NO_TITLE"}, "bad")]
    one = body(source, at(8), good(source).derived.products, rejected=aside)
    assert measured(postgres, "quarantine_is_within_limit", one).violations == 1
    publish_all(postgres, one)
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE quarantine SET state = 'rejected', resolved_at = now()")
    assert measured(postgres, "quarantine_is_within_limit", one).violations == 0


def test_a_gate_of_another_kind_is_an_error_and_no_pass(postgres: Postgres) -> None:
    with postgres.connect("test") as connection, pytest.raises(GateNotMeasured, match="every_sheep"):
        measure(connection, Gate("every_sheep", "", ""), [DAY])


def test_a_weight_out_of_range_is_not_a_lost_weight(postgres: Postgres, source: Source) -> None:
    heavy = variant("x1", "5", weight_g=None, codes=("W_WEIGHT_RANGE",), compare_at_price=Decimal(9))
    assert (
        measured(postgres, "null_rates_are_within_limits", with_products(product("x", [heavy]))(source)).violations == 0
    )
