"""The inventory through the real client: which rows it finds, what it takes them for, what it leaves alone."""

from typing import Any

import pytest

from backfill_pipelines.receipts.inventory import NO_TYPE, OTHER_ROWS, Inventory, take_inventory
from backfill_pipelines.receipts.keys import MalformedReason
from backfill_pipelines.receipts.metadata import Eligibility
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines_tests.receipts.builders import place_item
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image, receipt_of, row_of


def taken(receipts: ReceiptsPlace, *items: dict[str, Any], requires_receipt: bool = True) -> Inventory:
    receipts.load(items)
    return take_inventory(receipts.store, receipts.name, requires_receipt=requires_receipt)


def place_of(number: int, **changes: Any) -> dict[str, Any]:
    return place_item(**{"PK": {"S": f"IMAGE#{image(number)}"}, **changes})


def test_a_row_without_type_is_found_and_counted(receipts: ReceiptsPlace) -> None:
    found = taken(receipts, row_of(1, TYPE=...), receipt_of(1, TYPE=...))
    (record,) = found.census.records
    assert (record.reason, record.metadata.notes) == (Eligibility.ELIGIBLE, ("type_absent",))
    assert found.census.rows_by_type == {NO_TYPE: 2}
    assert found.consumed.total > 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"SK": "METADATA"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#1#METADATA"}, MalformedReason.SK_UNPARSABLE),
        ({"SK": "RECEIPT#00000#METADATA"}, MalformedReason.RECEIPT_ID_NOT_POSITIVE),
        ({"PK": "IMAGE#7"}, MalformedReason.IMAGE_ID_NOT_UUID4),
        ({"TYPE": "RECEIPT_SUMMARY"}, MalformedReason.OTHER_TYPE),
    ],
)
def test_a_row_that_is_about_no_receipt_is_set_aside_and_harms_no_other(
    receipts: ReceiptsPlace, changes: dict[str, str], reason: MalformedReason
) -> None:
    found = taken(receipts, row_of(1), receipt_of(1), row_of(2, **changes))
    assert [row.reason for row in found.census.malformed] == [reason]
    assert len(found.census.records) == 1
    assert found.scanned_metadata == 2


def test_other_rows_are_only_counted_also_those_that_look_alike(receipts: ReceiptsPlace) -> None:
    word = "RECEIPT#00001#LINE#00001#WORD#00001"
    others = {f"{word}#LABEL#PLACE": "RECEIPT_WORD_LABEL", f"{word}#LABEL#METADATA": "RECEIPT_WORD_LABEL"}
    others |= {word: "RECEIPT_WORD", "IMAGE": "IMAGE", "RECEIPT#00001#LINE#00001": "RECEIPT_LINE"}
    found = taken(
        receipts,
        row_of(1),
        receipt_of(1),
        *(receipt_of(1, SK={"S": sk}, TYPE={"S": kind}) for sk, kind in others.items()),
    )
    assert found.census.rows_by_type == {"RECEIPT_METADATA": 1, "RECEIPT": 1, OTHER_ROWS: 5}
    assert not found.census.malformed
    assert found.rows_scanned == 7
    assert found.places == 0


def test_a_record_without_its_receipt_is_ineligible_where_one_is_required(receipts: ReceiptsPlace) -> None:
    found = taken(receipts, row_of(1), row_of(2), receipt_of(2))
    assert [record.reason for record in found.census.records] == [Eligibility.RECEIPT_MISSING, Eligibility.ELIGIBLE]
    without = take_inventory(receipts.store, receipts.name, requires_receipt=False)
    assert [record.reason for record in without.census.records] == [Eligibility.ELIGIBLE] * 2


def test_what_stands_under_a_records_key_is_told(receipts: ReceiptsPlace) -> None:
    nothing = {name: {"NULL": True} for name in ("latitude", "validation_status")}
    found = taken(
        receipts,
        *(row_of(number) for number in range(5)),
        place_of(1),
        place_of(2, **nothing, confidence={"N": "0"}),
        place_of(3, place_id={"S": "ChIJ_another_place_of_Google"}),
        place_of(4, TYPE={"S": "RECEIPT_METADATA"}),
    )
    states = [record.existing for record in found.census.records]
    assert states == [Existing.NONE, Existing.FULL, Existing.STUB, Existing.CONFLICT, Existing.CONFLICT]
    assert (found.places, found.scanned_metadata) == (4, 5)


def test_records_come_in_the_order_of_all_work(receipts: ReceiptsPlace) -> None:
    found = taken(receipts, *(row_of(number) for number in (200, 3, 17)), row_of(3, SK="RECEIPT#00002#METADATA"))
    keys = [(record.metadata.key.bucket, record.metadata.receipt_id) for record in found.census.records]
    assert keys == [("03", 1), ("03", 2), ("11", 1), ("c8", 1)]
