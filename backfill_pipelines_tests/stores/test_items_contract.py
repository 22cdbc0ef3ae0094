"""What an item store promises, on two independent DynamoDB-compatible servers."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backfill_pipelines.stores.item_errors import ConditionFailed, InvalidRequest, ItemTooLarge, TableMissing
from backfill_pipelines.stores.items import (
    Consumed,
    Expression,
    Item,
    Query,
    absent,
    attribute_contains,
    ending,
    unchanged,
)
from backfill_pipelines_tests.stores.item_tables import FULL, ItemPlace, key, key_of, place_item, sort_keys

CHANGED: dict[str, dict[str, Any]] = {
    "latitude": {"N": "34.19150001"},
    "hours": {"L": [{"S": "Tuesday: 9 - 5"}, {"S": "Monday: 9 - 5"}]},
    "components": {"M": {"parts": {"L": [{"M": {"text": {"S": "8"}, "kind": {"NULL": True}}}]}}},
    "matched": {"SS": ["name"]},
    "reasoning": {"S": ""},
    "website": {"S": ""},
    "is_open": {"BOOL": True},
    "photo": {"B": b"\x00"},
    "never_stored": {"NULL": True},
}


def stored(items: ItemPlace, *rows: Item) -> None:
    items.store.batch_write(rows)


def alike(one: Item | None, other: Item) -> bool:
    """Equal, but for the order in a set."""

    def plain(item: Item) -> dict[str, Any]:
        return {name: {"SS": sorted(value["SS"])} if "SS" in value else value for name, value in item.items()}

    return one is not None and plain(one) == plain(other)


def test_an_item_comes_back_as_it_was_written(items: ItemPlace) -> None:
    items.store.put(FULL)
    assert alike(items.store.get(key_of(FULL)), FULL)


def test_only_an_absent_item_is_none(items: ItemPlace) -> None:
    assert items.store.get(key("nobody")) is None
    with pytest.raises(TableMissing, match=r"BACKFILL_RECEIPTS_TABLE"):
        items.store_of("Elsewhere").get(key("nobody"))


def test_a_conditional_put_never_overwrites(items: ItemPlace) -> None:
    """A place that a live writer has made meanwhile must stay as it is."""
    items.store.put(FULL, absent())
    with pytest.raises(ConditionFailed, match=r"PutItem IMAGE#a RECEIPT#00001#PLACE") as raised:
        items.store.put(FULL | {"reasoning": {"S": "ours"}}, absent())
    assert raised.value.current is not None
    assert alike(raised.value.current, FULL)
    assert alike(items.store.get(key_of(FULL)), FULL)


NULL_IS_ABSENT = pytest.mark.known_wrong("moto", "takes an absent attribute for one that is NULL")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[NULL_IS_ABSENT] if name == "never_stored" else []) for name in CHANGED]
)
def test_a_before_image_differs_when_any_attribute_differs(items: ItemPlace, name: str) -> None:
    """A rollback must not undo what somebody else has changed since."""
    items.store.put(FULL)
    before = FULL | {name: CHANGED[name]}
    with pytest.raises(ConditionFailed):
        items.store.put(FULL | {"reasoning": {"S": "restored"}}, unchanged(before))
    with pytest.raises(ConditionFailed):
        items.store.delete(key_of(FULL), unchanged(before))
    assert alike(items.store.get(key_of(FULL)), FULL)


def test_a_before_image_is_equal_whatever_the_order_of_sets_and_the_zeros_of_numbers(items: ItemPlace) -> None:
    items.store.put(FULL)
    same = FULL | {"matched": {"SS": ["phone", "name"]}, "latitude": {"N": "34.191500"}}
    items.store.put(FULL | {"reasoning": {"S": "new"}}, unchanged(same))
    items.store.delete(key_of(FULL), unchanged(FULL | {"reasoning": {"S": "new"}}))
    assert items.store.get(key_of(FULL)) is None


def test_an_attribute_that_another_writer_has_added_is_a_change(items: ItemPlace) -> None:
    items.store.put(FULL | {"geohash": {"S": "gcpvj1"}})
    items.store.put(FULL | {"geohash": {"S": "gcpvj3"}}, unchanged(FULL))
    with pytest.raises(ConditionFailed):
        items.store.delete(key_of(FULL), unchanged(FULL, absent_attributes=["geohash", "PK"]))
    assert items.store.get(key_of(FULL)) is not None


def test_deleting_what_has_gone_is_an_error_only_under_a_condition(items: ItemPlace) -> None:
    items.store.delete(key("nobody"))
    with pytest.raises(ConditionFailed) as raised:
        items.store.delete(key("nobody"), unchanged(place_item("nobody")))
    assert raised.value.current is None


def test_of_ten_writers_of_one_key_one_wins(items: ItemPlace) -> None:
    def write(number: int) -> int | None:
        try:
            items.store.put(place_item("race", n={"N": str(number)}), absent())
        except ConditionFailed:
            return None
        return number

    with ThreadPoolExecutor(10) as pool:
        winners = [number for number in pool.map(write, range(10)) if number is not None]
    assert len(winners) == 1
    assert items.store.get(key("race")) == place_item("race", n={"N": str(winners[0])})


def test_a_parallel_scan_finds_every_item_once(items: ItemPlace) -> None:
    rows = [place_item(f"{number:03d}") for number in range(90)]
    stored(items, *rows)
    pages = list(items.store.scan(segments=4, page_size=7))
    found = [item["PK"]["S"] for page in pages for item in page.items]
    assert sorted(found) == [row["PK"]["S"] for row in rows]
    assert {page.segment for page in pages} == {0, 1, 2, 3}
    assert sum(page.scanned for page in pages) == 90
    assert sum((page.consumed for page in pages), Consumed()).table > 0


def test_a_scan_goes_on_through_empty_pages(items: ItemPlace) -> None:
    """A page without a match is not the end: the only match may be on the last page."""
    noise = [place_item("one", f"RECEIPT#00001#LINE#{number:05d}#LABEL#PLACE_NAME") for number in range(40)]
    stored(items, place_item("one"), *noise)
    where = attribute_contains("SK", "#METADATA", "#PLACE")
    pages = list(items.store.scan(where=where, attributes=["SK"], segments=2, page_size=5))
    found = [item for page in pages for item in page.items]
    assert list(ending(found, "SK", "#METADATA", "#PLACE")) == [{"SK": {"S": "RECEIPT#00001#PLACE"}}]
    rare = attribute_contains("SK", "00001#PLACE")
    pages = list(items.store.scan(where=rare, segments=2, page_size=5))
    assert sum(page.count for page in pages) == 1
    assert sum(not page.items and page.next_key is not None for page in pages) > 5


def test_a_scan_that_is_left_early_leaves_nothing_running(items: ItemPlace) -> None:
    stored(items, *(place_item(f"{number:03d}") for number in range(40)))
    pages = items.store.scan(segments=3, page_size=2)
    next(pages)
    pages.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("scan")]


def test_scanning_an_empty_table_gives_no_items(items: ItemPlace) -> None:
    assert [item for page in items.store.scan() for item in page.items] == []


def partition(count: int) -> list[dict[str, Any]]:
    return [
        place_item(
            f"{number:03d}",
            f"RECEIPT#{number:05d}#PLACE",
            GSI1PK={"S": "MERCHANT#X"},
            GSI1SK={"S": f"{'ODD' if number % 2 else 'EVEN'}#{number:05d}"},
            status={"S": "MATCHED" if number % 3 else "UNSURE"},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("page_size", [1, 7, 100])
def test_pages_of_an_index_query_add_up_to_its_partition(items: ItemPlace, page_size: int) -> None:
    stored(items, *partition(30), place_item("other", GSI1PK={"S": "MERCHANT#Y"}, GSI1SK={"S": "z"}))
    query = Query(("GSI1PK", "MERCHANT#X"), index="GSI1", page_size=page_size)
    pages = list(items.store.query(query))
    found = sort_keys(pages)
    assert sorted(found) == [f"RECEIPT#{number:05d}#PLACE" for number in range(30)]
    assert all(len(page.items) <= page_size for page in pages)
    assert [page.next_key is None for page in pages] == [False] * (len(pages) - 1) + [True]


def test_a_query_by_prefix_goes_both_ways_and_on_from_a_page(items: ItemPlace) -> None:
    stored(items, *partition(12))
    query = Query(("GSI1PK", "MERCHANT#X"), "GSI1", sort_key="GSI1SK", begins_with="ODD#", page_size=2)
    forward = sort_keys(items.store.query(query))
    assert forward == [f"RECEIPT#{number:05d}#PLACE" for number in (1, 3, 5, 7, 9, 11)]
    backward = Query(("GSI1PK", "MERCHANT#X"), "GSI1", sort_key="GSI1SK", begins_with="ODD#", forward=False)
    assert sort_keys(items.store.query(backward)) == forward[::-1]
    (first,) = islice(items.store.query(query), 1)
    assert (
        sort_keys(items.store.query(Query(query.partition, "GSI1", "GSI1SK", "ODD#", start=first.next_key)))
        == (forward[2:])
    )


def test_a_query_of_the_table_sees_what_was_just_written(items: ItemPlace) -> None:
    for number in range(5):
        items.store.put(place_item("one", f"LINE#{number}"))
        assert items.store.count(Query(("PK", "IMAGE#one"))) == number + 1
    assert items.store.count(Query(("PK", "IMAGE#nobody"))) == 0


def test_counting_adds_up_the_pages_and_leaves_out_what_the_filter_does(items: ItemPlace) -> None:
    stored(items, *partition(30))
    unsure = Expression("#s = :s", {"#s": "status"}, {":s": {"S": "UNSURE"}})
    query = Query(("TYPE", "RECEIPT_PLACE"), "GSITYPE", where=unsure, attributes=["SK"], page_size=4)
    assert items.store.count(query) == 10
    found = [item for page in items.store.query(query) for item in page.items]
    assert len(found) == 10
    assert {name for item in found for name in item} == {"SK"}


def test_a_filter_on_the_keys_of_a_query_is_refused(items: ItemPlace) -> None:
    """DynamoDB refuses it and the local servers do not: it would work here and fail in production."""
    where = Expression("contains(#s, :s)", {"#s": "GSI1SK"}, {":s": {"S": "#STATUS#"}})
    for same in (where, Expression("contains(GSI1SK, :s)", values=where.values)):
        with pytest.raises(InvalidRequest, match="GSI1SK"):
            items.store.query(Query(("GSI1PK", "MERCHANT#X"), "GSI1", where=same))
    assert items.store.count(Query(("TYPE", "RECEIPT_PLACE"), "GSITYPE", where=where)) == 0


def test_a_batch_of_keys_gives_what_there_is(items: ItemPlace) -> None:
    rows = [place_item(f"{number:03d}") for number in range(130)]
    stored(items, *rows)
    asked = [key_of(row) for row in rows] + [key("000"), key("nobody")]
    found = items.store.batch_get(asked)
    assert sorted(item["PK"]["S"] for item in found.items) == [row["PK"]["S"] for row in rows]
    assert items.store.batch_get([]).items == ()


def test_a_batch_of_writes_puts_and_deletes(items: ItemPlace) -> None:
    rows = [place_item(f"{number:03d}") for number in range(60)]
    stored(items, *rows)
    items.store.batch_write([place_item("new")], [key_of(row) for row in rows[:40]])
    left = sorted(item["PK"]["S"] for page in items.store.scan() for item in page.items)
    assert left == [*(row["PK"]["S"] for row in rows[40:]), "IMAGE#new"]
    assert items.store.batch_write().consumed == Consumed()


def test_two_writes_of_one_key_are_refused_even_in_different_calls(items: ItemPlace) -> None:
    rows = [place_item(f"{number:03d}") for number in range(30)]
    with pytest.raises(InvalidRequest, match="IMAGE#000"):
        items.store.batch_write(rows, [key("000")])
    assert items.store.get(key("000")) is None


def test_an_item_that_is_too_large_is_named_as_such(items: ItemPlace) -> None:
    large = place_item("large", text={"S": "x" * 410_000})
    with pytest.raises(ItemTooLarge, match=r"PutItem IMAGE#large"):
        items.store.put(large)
    with pytest.raises(ItemTooLarge):
        items.store.batch_write([place_item("small"), large])


def test_a_wrong_request_is_no_condition_and_no_absence(items: ItemPlace) -> None:
    with pytest.raises(InvalidRequest):
        items.store.put({"PK": {"S": "IMAGE#without-sort-key"}})
    with pytest.raises(InvalidRequest):
        items.store.put(place_item("x"), Expression("this is no condition"))
    with pytest.raises(InvalidRequest):
        items.store.get({"PK": {"S": "IMAGE#x"}})


@pytest.mark.known_wrong("moto", "meters no index and one unit for every write")
def test_capacity_is_told_for_the_table_and_each_index(items: ItemPlace) -> None:
    """The pacing of writes charges what each index consumed."""
    wide = FULL | {"text": {"S": "x" * 2500}}
    assert items.store.put(wide) == Consumed(3.0, {"GSI1": 3.0, "GSITYPE": 3.0})
    sparse = items.store.put({name: wide[name] for name in ("PK", "SK", "text")} | key("sparse"))
    assert sparse == Consumed(3.0)
    assert items.store.batch_write([wide]).consumed.table == 3.0
    assert items.store.delete(key_of(wide)).indexes.keys() == {"GSI1", "GSITYPE"}


@pytest.mark.known_wrong("moto", "accepts 26 items in one call")
def test_the_server_refuses_26_items_in_a_batch(items: ItemPlace) -> None:
    requests = [{"PutRequest": {"Item": place_item(f"{number:03d}")}} for number in range(26)]
    with pytest.raises(ClientError, match="ValidationException"):
        items.once.batch_write_item(RequestItems={items.name: requests})
