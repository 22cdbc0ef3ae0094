"""The tolerant read: no row raises, each oddity is a note, and only an unreadable key sets a row aside."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.keys import Malformed, MalformedReason, RecordKey
from backfill_pipelines.receipts.metadata import TEXTS, Eligibility, Metadata, eligibility, read_metadata
from backfill_pipelines_tests.receipts.builders import IMAGE, PLACE_ID, metadata, metadata_item

LEAVES = st.one_of(
    st.builds(lambda text: {"S": text}, st.text() | st.sampled_from(["null", " ", "[", '["name"]', "[1]", "{}"])),
    st.just({"NULL": True}),
    st.builds(lambda number: {"N": str(number)}, st.integers()),
    st.builds(lambda flag: {"BOOL": flag}, st.booleans()),
    st.builds(lambda words: {"SS": sorted(words)}, st.sets(st.text(), min_size=1)),
    st.builds(lambda value: {"B": value}, st.binary()),
)
ATTRIBUTES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda members: {"L": members}, st.lists(inner, max_size=3))
        | st.builds(lambda members: {"M": members}, st.dictionaries(st.text(), inner, max_size=3))
    ),
    max_leaves=4,
)
NAMES = st.sampled_from([*TEXTS, "matched_fields", "PK", "SK", "TYPE", "latitude", "GSI1PK", "somebody_elses"])


def test_a_complete_row_has_nothing_to_note() -> None:
    row = metadata()
    assert row.notes == ()
    assert (row.key, row.place_id) == (RecordKey("3f", IMAGE, 1), PLACE_ID)
    assert (row.matched_fields, row.validated_by, row.validation_status) == (
        ("name", "phone"),
        "TEXT_SEARCH",
        "MATCHED",
    )


@settings(max_examples=300)
@given(st.dictionaries(NAMES, ATTRIBUTES, max_size=8))
def test_whatever_a_row_holds_it_reads(changes: dict[str, Any]) -> None:
    """One row that raised would lose its whole page."""
    row = read_metadata(metadata_item(**changes))
    if isinstance(row, Malformed):
        assert {"PK", "SK", "TYPE"} & changes.keys()
    else:
        assert len(row.source_digest) == 16
        assert eligibility(row) in Eligibility
        assert set(row.matched_fields) <= {"name", "phone", "address"}


@given(st.dictionaries(st.text(), ATTRIBUTES, max_size=4))
def test_an_item_without_keys_is_set_aside(item: dict[str, Any]) -> None:
    assert isinstance(read_metadata({name: value for name, value in item.items() if name != "PK"}), Malformed)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PK": ...}, MalformedReason.PK_UNPARSABLE),
        ({"PK": "RECEIPT#1"}, MalformedReason.PK_UNPARSABLE),
        ({"PK": {"N": "1"}}, MalformedReason.PK_UNPARSABLE),
        ({"PK": "IMAGE#3f52804b-2fad-1e00-92c8-b593da3a8ed3"}, MalformedReason.IMAGE_ID_NOT_UUID4),
        ({"PK": "IMAGE#nobody"}, MalformedReason.IMAGE_ID_NOT_UUID4),
        ({"PK": f"IMAGE#{IMAGE}\n"}, MalformedReason.IMAGE_ID_NOT_UUID4),
        ({"SK": ...}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#1#METADATA"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#000001#METADATA"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#٠٠٠٠١#METADATA"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#00001#PLACE"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": f"RECEIPT#{'9' * 5000}#METADATA"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#00000#METADATA"}, MalformedReason.RECEIPT_ID_NOT_POSITIVE),
        ({"TYPE": "RECEIPT_PLACE"}, MalformedReason.OTHER_TYPE),
    ],
)
def test_a_row_about_no_receipt_is_malformed(changes: dict[str, Any], reason: MalformedReason) -> None:
    found = read_metadata(metadata_item(**changes))
    assert isinstance(found, Malformed)
    assert found.reason is reason


def test_the_keys_alone_make_a_row() -> None:
    found = read_metadata({"PK": {"S": f"IMAGE#{IMAGE}"}, "SK": {"S": "RECEIPT#00012#METADATA"}})
    assert isinstance(found, Metadata)
    assert found.receipt_id == 12
    assert found.notes == ("type_absent", "timestamp_missing", "method_unknown", "status_unknown")
    assert (found.validated_by, found.validation_status) == ("INFERENCE", "UNSURE")


@pytest.mark.parametrize("empty", [..., {"NULL": True}, "", "  \t"], ids=["absent", "NULL", "empty", "blank"])
def test_every_kind_of_nothing_reads_alike(empty: Any) -> None:
    row = metadata(**dict.fromkeys(("place_id", "merchant_name", "address", "validated_by", "reasoning"), empty))
    assert (row.place_id, row.merchant_name, row.address, row.reasoning) == ("", "", "", "")
    assert (row.validated_by, row.notes) == ("INFERENCE", ("method_unknown",))


def test_a_placeholder_is_missing_in_every_text() -> None:
    row = metadata(merchant_name=" NULL", address="n/a", merchant_category="Unknown", reasoning="-", place_id=" none ")
    assert (row.merchant_name, row.address, row.merchant_category, row.reasoning) == ("", "", "", "")
    assert row.place_id == "none"
    assert row.placeholders == {"merchant_name", "address", "merchant_category", "reasoning", "place_id"}


@pytest.mark.parametrize(
    ("stored", "read", "notes"),
    [
        ({"SS": ["Address", "Name", "Phone"]}, ("name", "phone", "address"), ()),
        ({"L": [{"S": "merchant name"}, {"S": "PHONE-NUMBER"}]}, ("name", "phone"), ()),
        ('["address", "text_search"]', ("address",), ()),
        ({"SS": ["text search", "phone"]}, ("phone",), ()),
        ({"NULL": True}, (), ()),
        (..., (), ()),
        ("", (), ()),
        ("[]", (), ()),
        ("name, phone", (), ("matched_fields_unreadable",)),
        ('{"name": 1}', (), ("matched_fields_unreadable",)),
        ({"L": [{"S": "name"}, {"N": "1"}]}, ("name",), ("matched_fields_unreadable",)),
        ({"M": {}}, (), ("matched_fields_unreadable",)),
    ],
    ids=str,
)
def test_matched_fields_read_from_every_generation(stored: Any, read: tuple[str, ...], notes: tuple[str, ...]) -> None:
    row = metadata(matched_fields=stored)
    assert (row.matched_fields, row.notes) == (read, notes)


@pytest.mark.parametrize(
    ("stored", "note"),
    [
        ("2025-04-23T21:55:47", "timestamp_naive"),
        ("yesterday", "timestamp_unparsable"),
        (..., "timestamp_missing"),
    ],
)
def test_a_bad_timestamp_is_noted_and_kept(stored: Any, note: str) -> None:
    row = metadata(timestamp=stored)
    assert row.notes == (note,)
    assert row.timestamp == ("" if stored is ... else stored)


@pytest.mark.parametrize("status", ["matched", "VALID", {"N": "1"}])
def test_an_unknown_status_is_unsure(status: Any) -> None:
    row = metadata(validation_status=status)
    assert row.validation_status == "UNSURE"
    assert "status_unknown" in row.notes


def test_a_text_of_another_type_is_noted() -> None:
    assert metadata(phone_number={"N": "8059174200"}).notes == ("phone_number_not_text",)


@pytest.mark.parametrize(
    ("place_id", "has_receipt", "expected"),
    [
        (PLACE_ID, True, Eligibility.ELIGIBLE),
        ("x" * 300, True, Eligibility.ELIGIBLE),
        (PLACE_ID, False, Eligibility.RECEIPT_MISSING),
        ("", False, Eligibility.PLACE_ID_MISSING),
        (" null ", False, Eligibility.PLACE_ID_PLACEHOLDER),
        ("NO_RESULTS", True, Eligibility.PLACE_ID_PLACEHOLDER),
        ("too_short", True, Eligibility.PLACE_ID_MALFORMED),
        ("ChIJ with spaces", True, Eligibility.PLACE_ID_MALFORMED),
        ("places/ChIJAAAAAAAAA", True, Eligibility.PLACE_ID_MALFORMED),
    ],
)
def test_eligibility_names_the_first_reason(place_id: str, *, has_receipt: bool, expected: Eligibility) -> None:
    assert eligibility(metadata(place_id=place_id), has_receipt=has_receipt) is expected


@pytest.mark.parametrize("status", ["NO_MATCH", "UNSURE"])
def test_a_doubtful_row_with_a_good_id_is_eligible(status: str) -> None:
    assert eligibility(metadata(validation_status=status)) is Eligibility.ELIGIBLE


def test_the_source_digest_changes_with_what_was_said_and_with_nothing_else() -> None:
    """A changed digest makes the run rebuild the record."""
    row = metadata()
    same = metadata(matched_fields={"L": [{"S": "phone"}, {"S": "name"}]}, GSI1PK="MERCHANT#STALE", latitude={"N": "1"})
    assert row.source_digest == same.source_digest
    for name in TEXTS:
        assert metadata(**{name: "other"}).source_digest != row.source_digest
        assert metadata(**{name: ...}).source_digest == metadata(**{name: ""}).source_digest
    assert metadata(merchant_name="Green Grocer ").source_digest != row.source_digest
    assert metadata(matched_fields={"SS": ["name"]}).source_digest != row.source_digest


def test_reading_does_not_change_the_item() -> None:
    item = metadata_item()
    before = item_digest(item)
    read_metadata(item)
    assert item_digest(item) == before
