"""Messages of the stream handler: which change of which item sends how many."""

from typing import Any

import pytest

from backfill_pipelines.receipts.stream_effects import Change, handled_as, is_version_dependent, messages

PK = {"S": "IMAGE#3f52804b-2fad-4e00-92c8-b593da3a8ed3"}
WORD = "RECEIPT#00001#LINE#00001#WORD#00001"


def item(sort_key: str, type_name: str, **attributes: Any) -> dict[str, Any]:
    """An item; a text is an S."""
    typed = {name: {"S": value} if isinstance(value, str) else value for name, value in attributes.items()}
    return {"PK": PK, "SK": {"S": sort_key}, "TYPE": {"S": type_name}, **typed}


PLACE = item("RECEIPT#00001#PLACE", "RECEIPT_PLACE", merchant_name="A", place_id="ChIJ", latitude={"N": "1"})
LABEL = item(f"{WORD}#LABEL#TAX", "RECEIPT_WORD_LABEL", reasoning={"NULL": True}, validation_status="VALID")
PLACE_LABEL = item(f"{WORD}#LABEL#PLACE_NAME", "RECEIPT_WORD_LABEL", validation_status="VALID")
RUN = item("RECEIPT#00001#COMPACTION_RUN#1", "COMPACTION_RUN", lines_state="PENDING", words_state="COMPLETED")
TEXT = item(WORD, "RECEIPT_WORD", embedding_status="NONE")
SILENT = ["IMAGE", "RECEIPT", "LINE", "WORD", "LETTER", "RECEIPT_LINE", "RECEIPT_WORD", "RECEIPT_LETTER"]


def changed(before: dict[str, Any], **attributes: Any) -> Change:
    """The change of some attributes; a text is an S."""
    typed = {name: {"S": value} if isinstance(value, str) else value for name, value in attributes.items()}
    return Change(before, {**before, **typed})


@pytest.mark.parametrize("one", [PLACE, LABEL, PLACE_LABEL, TEXT], ids=["place", "label", "place-label", "word"])
def test_an_insert_sends_nothing(one: dict[str, Any]) -> None:
    assert messages(Change(None, one)) == 0


@pytest.mark.parametrize("one", [PLACE, LABEL, PLACE_LABEL, TEXT, RUN])
def test_an_identical_put_sends_nothing(one: dict[str, Any]) -> None:
    assert messages(Change(one, dict(one))) == 0


@pytest.mark.parametrize(
    ("change", "sent"),
    [
        (changed(PLACE, merchant_name="B"), 1),
        (changed(PLACE, phone_number="1"), 1),
        (changed(PLACE, latitude={"N": "2"}, timestamp="now"), 0),
        (changed(LABEL, validation_status="INVALID"), 1),
        (changed(LABEL, reasoning="seen"), 1),
        (changed(LABEL, reasoning={"S": ""}, timestamp_added="now"), 0),
        (changed(TEXT, embedding_status="SUCCESS"), 0),
        (changed(PLACE_LABEL, timestamp_added="now"), 1),
        (changed(RUN, lines_state="COMPLETED"), 2),
        (changed(RUN, lines_merged_vectors={"N": "3"}), 0),
    ],
)
def test_a_change_sends_when_a_field_of_the_vectors_changed(change: Change, sent: int) -> None:
    assert messages(change) == sent


@pytest.mark.parametrize(("one", "sent"), [(PLACE, 1), (LABEL, 1), (PLACE_LABEL, 1), (TEXT, 0), (RUN, 0)])
def test_a_deletion_sends_for_places_and_labels(one: dict[str, Any], sent: int) -> None:
    assert messages(Change(one, None)) == sent


def test_a_compaction_run_sends_two_messages_as_soon_as_it_is_there() -> None:
    assert messages(Change(None, RUN)) == 2


def test_a_label_whose_name_begins_with_place_is_a_place_to_the_handler() -> None:
    assert handled_as(PLACE_LABEL) == handled_as(PLACE) == "RECEIPT_PLACE"
    assert handled_as(LABEL) == "RECEIPT_WORD_LABEL"


@pytest.mark.parametrize("type_name", SILENT)
def test_all_else_sends_nothing_and_some_deletions_depend_on_the_version(type_name: str) -> None:
    one = item("SOMETHING", type_name)
    assert messages(Change(one, None)) == 0
    assert is_version_dependent(Change(one, None)) is (type_name in ("RECEIPT", "RECEIPT_LINE", "RECEIPT_WORD"))
    assert not is_version_dependent(Change(None, one))


def test_items_of_no_image_are_none_of_the_handlers_business() -> None:
    assert handled_as({**PLACE, "PK": {"S": "JOB#1"}}) is None
