"""Typed values, digests and sizes: one spelling for equal items, and the size that DynamoDB will charge."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backfill_pipelines.receipts.items import (
    canonical_json,
    decimal_text,
    digest_of,
    floatless_digest,
    floatless_json,
    item_digest,
    item_json,
    item_size,
    plain,
    typed,
)
from backfill_pipelines_tests.receipts.unhurried import UNHURRIED

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | NUMBERS | st.frozensets(st.text(min_size=1), min_size=1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def respelled(attribute: dict[str, Any]) -> dict[str, Any]:
    """The same value as another client may send it."""
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return {"N": f"{value}.000" if "." not in value else f"{value}00"}
        case "SS":
            return {"SS": list(reversed(value))}
        case "L":
            return {"L": [respelled(member) for member in value]}
        case "M":
            return {"M": {name: respelled(value[name]) for name in reversed(value)}}
    return attribute


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        (100, "100"),
        (0.95, "0.95"),
        (-0.12207499999999999, "-0.12207499999999999"),
        ("1E+2", "100"),
        ("0.50", "0.5"),
        ("-0.0", "0"),
        (1e-7, "0.0000001"),
        (Decimal(1) / Decimal(3), "0.3333333333333333333333333333"),
    ],
)
def test_a_number_has_one_plain_text(value: Any, text: str) -> None:
    """0.95 as a binary float would be stored as 0.9499999999999999555910790149937383830547332763671875."""
    assert decimal_text(value) == text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "ten", ""])
def test_what_is_no_finite_number_has_no_text(value: Any) -> None:
    with pytest.raises(ValueError, match="number"):
        decimal_text(value)


@UNHURRIED
@given(VALUES)
def test_a_plain_value_survives_its_typed_form(value: Any) -> None:
    sets_as_lists = plain(typed(value))
    assert plain(typed(sets_as_lists)) == sets_as_lists


@UNHURRIED
@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_the_digest_does_not_depend_on_the_order_of_sets_or_the_spelling_of_numbers(values: dict[str, Any]) -> None:
    """Else every read-back of a number such as 0.950 would look like somebody's change."""
    item = {name: dict(typed(value)) for name, value in values.items()}
    assert item_digest(item) == item_digest({name: respelled(item[name]) for name in reversed(item)})
    assert item_size(item) == item_size({name: respelled(item[name]) for name in reversed(item)})
    assert item_size(item) <= len(item_json(item)), "what is short as JSON takes one write unit"


@UNHURRIED
@given(st.dictionaries(st.text(min_size=1), VALUES, max_size=5))
def test_the_fast_digest_is_that_of_the_canonical_json(values: dict[str, Any]) -> None:
    item = {name: typed(value) for name, value in values.items()}
    assert floatless_digest(item) == digest_of(item) == item_digest(item)


@pytest.mark.parametrize("text", ["\ud800", '\x00\x1f\x7f\x80\u2028\ufffd\U0001f9fe"\\/', "é e\u0301"])
def test_the_fast_digest_is_that_of_the_canonical_json_for_odd_texts(text: str) -> None:
    item = {text: {"S": text}, "é": {"M": {text: {"L": [{"S": text}]}}}, "z": {"NULL": True}}
    assert floatless_digest(item) == digest_of(item)


ROWS = st.lists(st.text() | st.integers() | st.text(st.characters(categories=["Cs", "L", "So"])), max_size=3)


@UNHURRIED
@given(st.lists(ROWS, max_size=5))
def test_floatless_json_is_the_canonical_json_and_sorts_as_it_does(rows: list[list[str | int]]) -> None:
    """A fingerprint is made of rows in that order: it must be the same whoever sorts them."""
    assert floatless_json({"v": 1, "rows": rows}) == canonical_json({"v": 1, "rows": rows}).encode(
        "utf-8", "surrogatepass"
    )
    assert sorted(rows, key=floatless_json) == sorted(rows, key=canonical_json)


def test_the_digest_tells_apart_what_is_not_the_same() -> None:
    assert item_digest({"a": {"S": "1"}}) != item_digest({"a": {"N": "1"}})
    assert item_digest({"a": {"L": [{"S": "x"}, {"S": "y"}]}}) != item_digest({"a": {"L": [{"S": "y"}, {"S": "x"}]}})
    assert item_digest({"a": {"SS": ["x"]}}) != item_digest({"a": {"L": [{"S": "x"}]}})


def test_canonical_json_keeps_the_characters() -> None:
    assert canonical_json({"b": "é", "a": [1, 2]}) == '{"a":[1,2],"b":"é"}'


@pytest.mark.parametrize(
    ("attribute", "size"),
    [
        ({"S": "abc"}, 3),
        ({"S": "é"}, 2),
        ({"S": ""}, 0),
        ({"NULL": True}, 1),
        ({"BOOL": False}, 1),
        ({"B": b"1234"}, 4),
        ({"N": "0"}, 1),
        ({"N": "1"}, 2),
        ({"N": "-1"}, 3),
        ({"N": "123"}, 3),
        ({"N": "1200"}, 2),
        ({"N": "0.0012"}, 2),
        ({"N": "-118.624"}, 5),
        ({"SS": ["ab", "c"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"BS": [b"a", b"bc"]}, 3),
        ({"L": []}, 3),
        ({"L": [{"S": "ab"}, {"NULL": True}]}, 3 + 2 + 1 + 1 + 1),
        ({"M": {"key": {"S": "ab"}}}, 3 + 1 + 3 + 2),
    ],
    ids=str,
)
def test_the_size_follows_the_rule_of_the_service(attribute: dict[str, Any], size: int) -> None:
    assert item_size({"name": attribute}) == len("name") + size


def test_binary_values_have_a_digest_too() -> None:
    """Another entity's unknown attribute must not stop a scan."""
    one, other = {"x": {"B": b"\xff"}, "y": {"BS": [b"b", b"a"]}}, {"x": {"B": b"\xff"}, "y": {"BS": [b"a", b"b"]}}
    assert item_digest(one) == item_digest(other)


def test_a_value_without_a_type_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        typed(object())
