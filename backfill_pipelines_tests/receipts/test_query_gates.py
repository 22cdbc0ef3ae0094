"""The queries of the four indexes on the embedded server: what they find, and what the gates see when they do not."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts import query_gates
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.place_queries import (
    BadQuestion,
    get_receipt_places_by_geohash,
    get_receipt_places_by_merchant,
    get_receipt_places_by_status,
    list_receipt_places_with_place_id,
)
from backfill_pipelines.receipts.query_gates import (
    Clock,
    judge_latency,
    measure_queries,
    partitions_of,
    percentile,
)
from backfill_pipelines.receipts.table_rows import PlaceRow, read_table
from backfill_pipelines.stores.items import Item, ItemStore, Page, Query
from backfill_pipelines_tests.receipts.builders import answer, built, metadata
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image, row_of

SEED = "plan-20260105-0001"
SHOPS = (
    ("Green Grocer", "ChIJ_green_00001", 34.1915, -118.624),
    ("COSTCO - WHOLESALE", "ChIJ_costco_0002", 40.7128, -74.0060),
    ("Costco Wholesale", "ChIJ_costco_0003", 0.0, 0.0),
)
PLACES = 24


def shop_place(number: int) -> Item:
    """The place of the number-th image: one of three shops."""
    name, place_id, latitude, longitude = SHOPS[number % 3]
    row = metadata(
        PK=f"IMAGE#{image(number)}",
        place_id=place_id,
        merchant_name=name,
        validation_status="UNSURE" if number % 4 == 0 else "MATCHED",
    )
    body = answer(id=place_id, displayName={"text": name}, location={"latitude": latitude, "longitude": longitude})
    return built(row, body).item


@pytest.fixture(scope="module")
def shops(ministack_endpoint: str, ministack_state: Path, tmp_path_factory: pytest.TempPathFactory) -> ReceiptsPlace:
    """Places of three shops, two of one merchant, beside metadata rows in the same partitions; nobody changes them."""
    place = ReceiptsPlace(ministack_endpoint, ministack_state, tmp_path_factory.mktemp("objects"))
    shared = {"GSI1PK": "MERCHANT#GREEN_GROCER", "GSI2PK": "PLACE#ChIJ_green_00001"}
    beside = [
        row_of(n, **shared, GSI1SK=f"IMAGE#{image(n)}#METADATA", GSI2SK=f"IMAGE#{image(n)}#METADATA") for n in range(6)
    ]
    place.load([*map(shop_place, range(PLACES)), *beside])
    return place


@pytest.fixture(scope="module")
def rows(shops: ReceiptsPlace) -> tuple[PlaceRow, ...]:
    return read_table(shops.store).places


def found(items: Iterator[Item]) -> set[str]:
    return {item["PK"]["S"].removeprefix("IMAGE#") for item in items}


def of_shops(*which: int) -> set[str]:
    return {image(number) for number in range(PLACES) if number % 3 in which}


def measured(store: ItemStore, rows: tuple[PlaceRow, ...], **options: Any) -> dict[str, GateResult]:
    results = measure_queries(store, rows, SEED, **({"is_embedded": True, "clock": Impatient()} | options))
    return {result.gate: result for result in results}


class Impatient(Clock):
    """Every look at the clock finds half of the lag gone."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.now = self._now
        self.sleep = lambda _seconds: None

    def _now(self) -> float:
        self.passed += 15.0
        return self.passed


def test_a_merchant_is_found_under_every_spelling_of_its_slug(shops: ReceiptsPlace) -> None:
    for name in ("costco wholesale", "COSTCO - WHOLESALE", "Costco  Wholesale!"):
        assert found(get_receipt_places_by_merchant(shops.store, name, 2)) == of_shops(1, 2)
    assert found(get_receipt_places_by_merchant(shops.store, "STARBUCKS")) == set()


def test_metadata_rows_of_a_shared_partition_are_left_out(shops: ReceiptsPlace) -> None:
    assert found(get_receipt_places_by_merchant(shops.store, "Green Grocer", 1)) == of_shops(0)
    assert found(list_receipt_places_with_place_id(shops.store, "ChIJ_green_00001", 1)) == of_shops(0)


def test_a_status_is_found_though_a_key_of_the_index_cannot_be_filtered(shops: ReceiptsPlace) -> None:
    unsure = {image(number) for number in range(0, PLACES, 4)}
    assert found(get_receipt_places_by_status(shops.store, "UNSURE", 7)) == unsure


def test_a_finer_cell_is_widened_and_a_coarser_one_refused(shops: ReceiptsPlace) -> None:
    assert found(get_receipt_places_by_geohash(shops.store, "dr5regw3p")) == of_shops(1)
    assert found(get_receipt_places_by_geohash(shops.store, "7zzzzz")) == of_shops(2)
    with pytest.raises(BadQuestion, match="coarser than the table's cells"):
        get_receipt_places_by_geohash(shops.store, "dr5re")


def test_a_name_without_a_slug_is_refused(shops: ReceiptsPlace) -> None:
    with pytest.raises(BadQuestion, match="has no letter or digit"):
        get_receipt_places_by_merchant(shops.store, "!!!")


def test_all_gates_pass_on_a_good_table_and_latency_of_a_stand_in_is_only_recorded(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...]
) -> None:
    results = measured(shops.store, rows)
    assert {gate: str(result.verdict) for gate, result in results.items()} == {
        "gsi_correct": "PASS",
        "gsi_pagination": "PASS",
        "gsi_latency": "NOT_APPLICABLE",
    }
    assert results["gsi_correct"].values["partitions"] == {"GSI1": 3, "GSI2": 4, "GSI3": 2, "GSI4": 3}
    assert results["gsi_latency"].text.startswith("not_applicable (embedded): p99 of 100 queries an index")
    assert results["gsi_latency"].values["samples"] == dict.fromkeys(("GSI1", "GSI2", "GSI3", "GSI4"), 100)


def test_long_walks_are_sampled_and_said_so(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "_MOST_PAGES", 10)
    monkeypatch.setattr(query_gates, "_SAMPLED_PAGES", 5)
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    result = measured(shops.store, rows)["gsi_pagination"]
    assert result.verdict is GateVerdict.PASS, result.culprits
    assert result.values["sampled_walks"] > 0


def test_of_many_partitions_a_seeded_sample_is_drawn(
    rows: tuple[PlaceRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "MOST_PARTITIONS", 2)
    drawn = [partitions_of(rows, seed) for seed in ("plan-1", "plan-1")]
    assert drawn[0] == drawn[1]
    assert [one.argument for one in drawn[0]["GSI2"] if one.expected] != []
    assert len(drawn[0]["GSI2"]) == 3


def test_a_place_with_wrong_index_keys_is_missing_here_and_surplus_there(
    ministack_endpoint: str, ministack_state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    place = ReceiptsPlace(ministack_endpoint, ministack_state, tmp_path)
    place.load([shop_place(1), {**shop_place(2), "GSI2PK": {"S": "PLACE#ChIJ_costco_0002"}}])
    result = measured(place.store, read_table(place.store).places)["gsi_correct"]
    assert result.verdict is GateVerdict.FAIL
    shown = f"IMAGE#{image(2)} RECEIPT#00001#PLACE"
    assert result.culprits == (
        f"GSI2 'ChIJ_costco_0002': {shown} does not belong there",
        f"GSI2 'ChIJ_costco_0003': {shown} is missing",
    )
    assert "roll it back" in result.repair
    assert result.values["longest_lag_seconds"] >= 30


class Faulty:
    """The real store, whose pages are changed on their way."""

    def __init__(self, store: ItemStore, change: str) -> None:
        self._store, self._change = store, change
        self.get = store.get

    def query(self, query: Query) -> Iterator[Page]:
        pages = list(self._store.query(query))
        if query.page_size == 7 and query.partition == ("GSI1PK", "MERCHANT#COSTCO_WHOLESALE"):
            page = pages[1]
            items = {"skips": page.items[1:], "repeats": (*page.items, page.items[0])}[self._change]
            pages[1] = replace(page, items=items)
        return iter(pages)


class Late:
    """The real store, whose index GSI2 shows one place only after a while."""

    def __init__(self, store: ItemStore, late: str, seconds: float) -> None:
        self._store, self._late, self._seconds = store, f"IMAGE#{late}", seconds
        self.get = store.get
        self.passed = 0.0
        self.clock = Clock(lambda: self.passed, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.passed += seconds

    def query(self, query: Query) -> Iterator[Page]:
        for page in self._store.query(query):
            is_hidden = query.index == "GSI2" and self.passed < self._seconds
            items = tuple(i for i in page.items if not (is_hidden and i["PK"]["S"] == self._late))
            yield replace(page, items=items)


def test_an_index_that_lags_is_read_until_it_has_caught_up(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    late = Late(shops.store, image(1), 25.0)
    results = measured(late, rows, clock=late.clock)  # type: ignore[arg-type]
    assert results["gsi_correct"].verdict is results["gsi_pagination"].verdict is GateVerdict.PASS
    assert 25 <= results["gsi_correct"].values["longest_lag_seconds"] < 30


def test_a_longer_lag_is_red_once_and_green_when_measured_again(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verdict that nothing can turn green again would end the migration for a slow minute."""
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    late = Late(shops.store, image(1), 45.0)
    red = measured(late, rows, clock=late.clock)["gsi_correct"]  # type: ignore[arg-type]
    assert red.verdict is GateVerdict.FAIL
    assert red.culprits == (f"GSI2 'ChIJ_costco_0002': IMAGE#{image(1)} RECEIPT#00001#PLACE is missing",)
    assert measured(late, rows, clock=late.clock)["gsi_correct"].verdict is GateVerdict.PASS  # type: ignore[arg-type]


def test_a_broken_index_is_not_waited_for_partition_by_partition(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    monkeypatch.setattr(query_gates, "_WORKERS", 1)
    shown = Late(shops.store, "", 0.0)
    strangers = [replace(row, place_id=f"ChIJ_nowhere_{n:04}", pk=f"IMAGE#{image(n)}") for n, row in enumerate(rows)]
    monkeypatch.setattr(query_gates, "_belongs", lambda *_: True)
    red = measured(shown, (*rows, *strangers), clock=shown.clock)["gsi_correct"]  # type: ignore[arg-type]
    assert (red.verdict, len(red.culprits)) == (GateVerdict.FAIL, PLACES)
    assert shown.passed < 90, "24 partitions of half a minute each"


@pytest.mark.parametrize(("change", "text"), [("skips", "was skipped"), ("repeats", "came 2 times")])
def test_a_page_that_skips_or_repeats_is_named(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...], change: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    results = measured(Faulty(shops.store, change), rows)  # type: ignore[arg-type]
    assert results["gsi_correct"].verdict is GateVerdict.PASS
    named = [culprit for culprit in results["gsi_pagination"].culprits if "pages of 7" in culprit and text in culprit]
    assert len(named) == len(results["gsi_pagination"].culprits) > 0


def test_a_place_written_since_the_scan_is_no_fault(
    shops: ReceiptsPlace, rows: tuple[PlaceRow, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 1)
    assert measured(shops.store, rows[1:])["gsi_correct"].verdict is GateVerdict.PASS


def test_slow_queries_are_red_on_the_real_service_and_name_the_index() -> None:
    times: Mapping[str, list[float]] = {"GSI1": [5.0] * 99 + [300.0], "GSI4": [5.0] * 98 + [120.0] * 2}
    result = judge_latency(times, is_embedded=False)
    assert result.verdict is GateVerdict.FAIL
    assert result.culprits == ("GSI4: p99 120.0 ms",)
    assert judge_latency({"GSI1": times["GSI1"]}, is_embedded=False).verdict is GateVerdict.PASS


def test_a_percentile_is_one_of_the_values() -> None:
    hundred = [float(number) for number in range(1, 101)]
    assert [percentile(hundred, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 0.99) == 7.0
