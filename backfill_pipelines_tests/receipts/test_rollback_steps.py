"""What a rollback decides about one record, and what the stream makes of it: pure rules, each case once."""

from typing import Any

import pytest

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.provenance import content_digest
from backfill_pipelines.receipts.rollback import KNOWN_ATTRIBUTES, condition_of
from backfill_pipelines.receipts.rollback_steps import State, changes_between, is_candidate, step_of
from backfill_pipelines.receipts.stream_effects import place_messages
from backfill_pipelines_tests.receipts.builders import IMAGE, PLACE_ID, RUN, place_item

OURS = place_item()
STUB: dict[str, Any] = {
    "PK": OURS["PK"],
    "SK": OURS["SK"],
    "TYPE": OURS["TYPE"],
    "place_id": {"S": PLACE_ID},
    "merchant_name": {"S": "green grocer"},
    "confidence": {"N": "0"},
}
OTHERS = place_item(reasoning={"S": "Written by the application."})


def entry(kind: str = "create", outcome: Outcome | None = Outcome.CREATED) -> Entry:
    return Entry(
        "plan-1",
        RecordKey.of(IMAGE, 1),
        PLACE_ID,
        RUN,
        kind,
        content_digest(OURS),
        "a file" if kind == "enrich" else "",
        outcome,
        "",
        "",
        0,
        0.0,
        False,
        (),
        "",
    )


@pytest.mark.parametrize(
    ("current", "outcome", "is_begun", "state", "is_write"),
    [
        (OURS, Outcome.CREATED, False, State.DELETED, True),
        (OURS, None, False, State.DELETED, True),
        (OURS, Outcome.FAILED, False, State.DELETED, True),
        (place_item(timestamp={"S": "2026-02-01T00:00:00+00:00"}), Outcome.CREATED, False, State.DELETED, True),
        (place_item(website={"S": "x"}), Outcome.CREATED, False, State.CHANGED_SINCE, False),
        (place_item(photo={"S": "x"}), Outcome.CREATED, False, State.CHANGED_SINCE, False),
        (OTHERS, Outcome.CREATED, False, State.CHANGED_SINCE, False),
        (OTHERS, None, False, State.NEVER_APPLIED, False),
        (None, Outcome.CREATED, False, State.ALREADY_ABSENT, False),
        (None, Outcome.CREATED, True, State.DELETED, False),
        (None, None, False, State.NEVER_APPLIED, False),
    ],
    ids=[
        *(
            "ours",
            "intent-that-arrived",
            "failure-that-arrived",
            "written-again-by-us",
            "changed",
            "one-attribute-more",
        ),
        *("of-others", "intent-and-others-item", "absent", "absent-after-our-delete", "intent-that-never-arrived"),
    ],
)
def test_a_created_record(
    current: dict[str, Any] | None, outcome: Outcome | None, is_begun: bool, state: State, is_write: bool
) -> None:
    step = step_of(entry(outcome=outcome), current, None, is_begun=is_begun)
    assert (step.state, step.is_write) == (state, is_write)
    assert step.events == int(is_write)


@pytest.mark.parametrize(
    ("current", "outcome", "is_begun", "state", "is_write"),
    [
        (OURS, Outcome.ENRICHED, False, State.RESTORED, True),
        (STUB, Outcome.ENRICHED, True, State.RESTORED, False),
        (STUB, Outcome.ENRICHED, False, State.RESTORED, False),
        (STUB, None, False, State.NEVER_APPLIED, False),
        (OTHERS, Outcome.ENRICHED, False, State.CHANGED_SINCE, False),
        (None, Outcome.ENRICHED, False, State.ALREADY_ABSENT, False),
        (None, Outcome.ENRICHED, True, State.ALREADY_ABSENT, False),
    ],
    ids=["ours", "restored-by-us", "restored-by-others", "intent", "of-others", "absent", "deleted-meanwhile"],
)
def test_an_enriched_record(
    current: dict[str, Any] | None, outcome: Outcome | None, is_begun: bool, state: State, is_write: bool
) -> None:
    step = step_of(entry("enrich", outcome), current, STUB, is_begun=is_begun)
    assert (step.state, step.is_write) == (state, is_write)


@pytest.mark.parametrize(
    ("kind", "outcome", "is_it"),
    [
        ("create", Outcome.CREATED, True),
        ("create", None, True),
        ("create", Outcome.FAILED, True),
        ("create", Outcome.EXISTING, False),
        ("create", Outcome.QUARANTINED, False),
        ("", Outcome.FAILED, False),
    ],
)
def test_only_what_the_run_has_put_or_may_have_put_is_looked_at(
    kind: str, outcome: Outcome | None, is_it: bool
) -> None:
    assert is_candidate(entry(kind, outcome)) is is_it


def test_the_condition_names_every_attribute_that_was_read_and_all_that_a_writer_may_add() -> None:
    """DynamoDB cannot say "no other attribute": one that is not named could be added unseen."""
    condition = condition_of(step_of(entry(), OURS, None))
    named = set(condition.names.values())
    assert OURS.keys() | {*KNOWN_ATTRIBUTES} == named
    assert list(condition.values.values()) == list(OURS.values())
    assert "attribute_not_exists" in condition.text
    assert len(condition.text) < 4096, "DynamoDB refuses longer ones"


def test_differences_are_those_of_content_in_one_spelling() -> None:
    later = {
        **OURS,
        "timestamp": {"S": "2027-01-01T00:00:00+00:00"},
        "latitude": {"N": "34.19150"},
        "website": {"NULL": True},
        "open_now": {"BOOL": True},
    }
    del later["phone_number"]
    assert [str(change) for change in changes_between(OURS, later)] == [
        "open_now: (absent) -> true",
        'phone_number: "(555) 010-0000" -> (absent)',
        'website: "https://example.com/" -> true',
    ]


def test_another_runs_mark_is_a_difference_and_long_values_do_not_look_alike() -> None:
    text = OURS["reasoning"]["S"]
    marked = {**OURS, "reasoning": {"S": text.replace(RUN, "rp-20270101-0001")}}
    assert [str(change) for change in changes_between(OURS, marked)] == [f"mark of the run: {RUN} -> rp-20270101-0001"]
    first, second = ({**OURS, "website": {"S": "x" * 500 + end}} for end in "ab")
    (change,) = changes_between(first, second)
    assert change.written != change.now
    assert len(change.written) < 250


@pytest.mark.parametrize(
    ("before", "after", "messages"),
    [
        (None, OURS, 0),
        (OURS, None, 1),
        (OURS, OURS, 0),
        (OURS, place_item(website={"S": "x"}), 0),
        (OURS, place_item(phone_number={"NULL": True}), 1),
        (place_item(phone_number={"NULL": True}), place_item(phone_number=...), 0),
        (OURS, place_item(merchant_category={"S": "x"}), 1),
        (OURS, place_item(formatted_address={"S": "x"}), 1),
        (OURS, place_item(merchant_name={"S": "x"}), 1),
        (OURS, place_item(place_id={"S": "x"}), 1),
    ],
    ids=["insert", "delete", "same", "website", "phone", "absent-is-null", "category", "address", "name", "place-id"],
)
def test_messages_of_a_change(before: dict[str, Any] | None, after: dict[str, Any] | None, messages: int) -> None:
    assert place_messages(before, after) == messages
