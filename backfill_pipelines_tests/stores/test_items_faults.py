"""An item store when the service throttles, fails, or loses an answer: on the real client's path, by its own hooks."""

import json
from collections.abc import Callable

import pytest

from backfill_pipelines.stores.dynamodb_batches import MOST_ROUNDS
from backfill_pipelines.stores.item_errors import (
    AccessDenied,
    ConditionFailed,
    ItemStoreError,
    NoAnswer,
    NotAllProcessed,
    Throttled,
)
from backfill_pipelines.stores.items import Query, absent
from backfill_pipelines_tests.stores.item_tables import FULL, ItemPlace, key, key_of, place_item

THROTTLED = "ProvisionedThroughputExceededException"
ROWS = [place_item(f"{number:03d}") for number in range(60)]


def images(items: ItemPlace) -> list[str]:
    return sorted(item["PK"]["S"] for page in items.store.scan() for item in page.items)


def test_a_throttled_write_is_sent_once_and_changes_nothing(items: ItemPlace) -> None:
    """Whoever paces the writes must see every throttle, not the third."""
    items.on_writes.answer("PutItem", THROTTLED, times=1)
    items.on_writes.listen("PutItem")
    with pytest.raises(Throttled, match=r"PutItem IMAGE#a .*more slowly"):
        items.store.put(FULL, absent())
    assert items.on_writes.sent == ["PutItem"]
    assert items.store.get(key_of(FULL)) is None
    items.store.put(FULL, absent())


@pytest.mark.parametrize(
    ("code", "field"),
    [("ThrottlingException", "throttlingReasons"), (THROTTLED, "ThrottlingReasons")],
)
def test_a_throttle_names_the_index_when_the_service_does(items: ItemPlace, code: str, field: str) -> None:
    reason = {"reason": "IndexWriteKeyRangeThroughputExceeded", "resource": "arn:aws:dynamodb:x:1:table/T/index/GSI3"}
    body = json.dumps({"__type": f"x#{code}", "message": "hot", field: [reason]})
    items.on_writes.answer("PutItem", code, times=1, body=body)
    with pytest.raises(Throttled, match=r"throttled: GSI3") as raised:
        items.store.put(FULL)
    assert raised.value.throttled == ("GSI3",)


def test_a_lost_reply_is_no_answer_and_the_next_put_finds_the_item(items: ItemPlace) -> None:
    """The write was applied: taken for a failure it would be counted twice, taken for a success it might be missing."""
    items.on_writes.lose_reply("PutItem")
    with pytest.raises(NoAnswer, match=r"may have been applied"):
        items.store.put(FULL, absent())
    with pytest.raises(ConditionFailed) as raised:
        items.store.put(FULL, absent())
    assert raised.value.current is not None
    assert raised.value.current["reasoning"] == FULL["reasoning"]


def test_a_fault_of_the_server_is_no_answer(items: ItemPlace) -> None:
    items.on_writes.answer("DeleteItem", "InternalServerError", times=1, status=500)
    with pytest.raises(NoAnswer, match="DeleteItem IMAGE#a"):
        items.store.delete(key_of(FULL))


@pytest.mark.parametrize(
    ("operation", "read"),
    [
        ("GetItem", lambda store: store.get(key("nobody"))),
        ("Scan", lambda store: list(store.scan(segments=2))),
        ("Query", lambda store: list(store.query(Query(("PK", "IMAGE#nobody"))))),
        ("BatchGetItem", lambda store: store.batch_get([key("nobody")])),
    ],
)
def test_no_read_takes_a_refusal_for_an_absent_item(items: ItemPlace, operation: str, read: Callable) -> None:
    """Rights that are missing must not look like an empty table."""
    for faults in (items.on_reads, items.on_writes):
        faults.answer(operation, "AccessDeniedException")
    with pytest.raises(AccessDenied, match=f"{items.name}: {operation}.*policy"):
        read(items.store)


def test_a_read_is_tried_again(items: ItemPlace) -> None:
    items.store.put(FULL)
    items.on_reads.answer("GetItem", THROTTLED, times=1)
    assert items.store.get(key_of(FULL)) is not None


def test_unprocessed_writes_are_tried_again_with_longer_waits(items: ItemPlace) -> None:
    items.on_writes.leave_unprocessed("BatchWriteItem", keep=10)
    written = items.store.batch_write(ROWS)
    assert images(items) == [row["PK"]["S"] for row in ROWS]
    assert written.throttles == 4
    assert items.waits == [0.1, 0.2, 0.1, 0.2]


def test_unprocessed_keys_are_asked_for_again(items: ItemPlace) -> None:
    items.store.batch_write(ROWS)
    items.on_writes.leave_unprocessed("BatchGetItem", keep=7)
    found = items.store.batch_get([key_of(row) for row in ROWS])
    assert sorted(item["PK"]["S"] for item in found.items) == [row["PK"]["S"] for row in ROWS]
    assert len(items.waits) == 8


def test_a_batch_that_stays_unprocessed_names_its_rest(items: ItemPlace) -> None:
    """What was not written must be known item by item, or it is lost in silence."""
    items.on_writes.leave_unprocessed("BatchWriteItem", keep=1)
    with pytest.raises(NotAllProcessed, match=r"50 items were not processed in 10 rounds") as raised:
        items.store.batch_write(ROWS)
    assert len(items.waits) == MOST_ROUNDS - 1
    rest = {item["PK"]["S"] for item in raised.value.rest}
    assert sorted(rest | set(images(items))) == [row["PK"]["S"] for row in ROWS]
    assert not rest & set(images(items))


@pytest.mark.parametrize(
    ("fault", "throttles"),
    [
        (lambda faults: faults.answer("BatchWriteItem", THROTTLED, times=2), 2),
        (lambda faults: faults.answer("BatchWriteItem", "InternalServerError", times=2, status=500), 0),
        (lambda faults: faults.lose_reply("BatchWriteItem", times=2), 0),
    ],
    ids=["throttled", "server fault", "lost reply"],
)
def test_a_refused_batch_is_sent_again_as_a_whole(items: ItemPlace, fault: Callable, throttles: int) -> None:
    fault(items.on_writes)
    assert items.store.batch_write(ROWS[:20]).throttles == throttles
    assert images(items) == [row["PK"]["S"] for row in ROWS[:20]]


def test_a_batch_that_is_always_throttled_ends_with_its_cause(items: ItemPlace) -> None:
    items.on_writes.answer("BatchWriteItem", THROTTLED)
    with pytest.raises(NotAllProcessed) as raised:
        items.store.batch_write(ROWS[:3])
    assert isinstance(raised.value.__cause__, Throttled)
    assert images(items) == []


def test_an_unknown_refusal_is_an_error_of_the_store(items: ItemPlace) -> None:
    items.on_writes.answer("PutItem", "SomethingNewException", times=1)
    with pytest.raises(ItemStoreError, match="SomethingNewException"):
        items.store.put(FULL)
