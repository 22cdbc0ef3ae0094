"""The acceptance numbers D1 to D3, from the public sample rows and answers."""

from collections import Counter
from itertools import pairwise
from statistics import mean, median

import pytest

from backfill_pipelines.receipts.assessment import Assessed, Assumptions, Census, assess, estimate
from backfill_pipelines.receipts.capacity import write_units
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.matching import Match
from backfill_pipelines.receipts.metadata import eligibility
from backfill_pipelines.receipts.names import slug
from backfill_pipelines.receipts.place_reading import read_place, wrong_keys
from backfill_pipelines.receipts.prices import SKUS, Tier, cost_of_calls
from backfill_pipelines.receipts.provenance import content_digest, mark_of
from backfill_pipelines.receipts.waves import plan_waves
from backfill_pipelines_tests.receipts.builders import RUN
from backfill_pipelines_tests.receipts.real_rows import CORRUPT_ID, needs_real_rows, sample

pytestmark = needs_real_rows

D3 = [
    (
        ("04a1dfe7-1858-403a-b74f-6edb23d0deb4", 1),
        "MERCHANT#SPROUTS_FARMERS_MARKET",
        "CONFIDENCE#0.6500#STATUS#UNSURE",
        "GEOHASH#gcpvj1",
        ("name", "place_id"),
        "15856c8f3ecc7f43",
    ),
    (
        ("04b16930-7baf-4539-866f-b77d8e73cff8", 2),
        "MERCHANT#CHASE_BANK",
        "CONFIDENCE#0.9500#STATUS#MATCHED",
        "GEOHASH#gcpvj1",
        ("phone", "place_id"),
        "e11d5f33bbe59e4c",
    ),
    (
        ("069e270a-a3ce-40dc-81bc-1f05d7f23ac2", 1),
        "MERCHANT#SPROUTS_FARMERS_MARKET",
        "CONFIDENCE#0.9500#STATUS#MATCHED",
        "GEOHASH#gcpvj1",
        ("phone", "address", "place_id"),
        "3c281a7b6e5bcae7",
    ),
    (
        ("3a2d8bae-0033-439c-a3fb-616a39f09947", 2),
        "MERCHANT#IN_N_OUT_BURGER",
        "CONFIDENCE#0.6500#STATUS#UNSURE",
        "GEOHASH#gcpvj3",
        ("address", "place_id"),
        "01dd7cdb45a20dff",
    ),
    (
        ("adb04b5e-4714-4e33-a3e8-7a874ad1549a", 2),
        "MERCHANT#Y_ZEN_FROGURT",
        "CONFIDENCE#0.9500#STATUS#MATCHED",
        "GEOHASH#gcpvj1",
        ("name", "phone", "place_id"),
        "edee3f2916a2869f",
    ),
]


def census() -> Census:
    rows = sample().rows
    records = [Assessed(row, eligibility(row)) for row in rows]
    by_type = {"RECEIPT_METADATA": len(rows), "RECEIPT": len(rows)}
    return Census(by_type, records, (), frozenset(row.key for row in rows))


def test_the_inventory_counts_are_those_of_the_plan() -> None:
    found = assess(census())
    assert (found.metadata_rows, found.eligible, found.ineligible) == (89, 88, 1)
    assert found.by_reason["place_id_placeholder"] == 1
    assert not found.malformed_by_reason
    assert found.receipts_without_metadata == found.metadata_without_receipt == 0
    assert len({row.image_id for row in sample().rows}) == 89
    (ineligible,) = [row for row in sample().rows if row not in sample().eligible]
    assert ineligible.image_id == "07550815-fce8-445a-affe-3e3125625fae"


def test_usable_fields_are_fewer_than_those_that_are_not_null() -> None:
    found = assess(census())
    assert str(found.usable.place_id) == "88 (98.9 %)"
    assert str(found.usable.merchant_name) == "89 (100.0 %)"
    assert str(found.usable.address) == "88 (98.9 %)"
    assert str(found.usable.all_three) == "88 (98.9 %)"
    assert found.not_null.place_id.count == 89


def test_one_call_serves_all_records_of_a_place_id() -> None:
    ids = assess(census()).place_ids
    assert (ids.distinct, ids.calls_saved.of - ids.calls_saved.count) == (42, 42)
    assert ids.calls_saved.percent == 52.3
    assert [count for _, count in ids.most_used[:3]] == [27, 8, 5]
    assert ids.suspicious == (CORRUPT_ID,)
    assert sample().place_ids.index(CORRUPT_ID) == 8
    (corrupt,) = [row for row in sample().rows if row.place_id == CORRUPT_ID]
    assert corrupt.image_id.startswith("1ebebe85-")
    assert ids.canonical_differs == 2
    ((_, names),) = ids.with_many_names.items()
    assert {slug(name) for name in names} == {"COSTCO_WHOLESALE"}


def test_phones_and_keys_of_the_old_names_are_told_apart() -> None:
    found = assess(census())
    phones = found.phones
    assert (phones.usable, phones.placeholder, phones.blank, phones.rejected) == (69, 9, 10, 1)
    assert (found.renamed_keys.count, found.renamed_keys.of) == (14, 38)


def test_the_waves_of_the_sample() -> None:
    rows = Counter(row.key.bucket for row in sample().rows)
    eligible = Counter(row.key.bucket for row in sample().eligible)
    assert (len(rows), len(eligible)) == (81, 80)
    assert {bucket for bucket, count in eligible.items() if count == max(eligible.values())} == {"04", "6f"}
    assert max(eligible.values()) == 3
    waves = [(wave.first_bucket, wave.last_bucket, wave.records) for wave in plan_waves(eligible)]
    assert waves == [("00", "0f", 5), ("10", "1e", 7), ("1f", "71", 31), ("72", "ff", 45)]


def test_the_estimate_is_the_bill_of_the_sample() -> None:
    found = estimate(census(), Assumptions())
    assert (found.places_to_create, found.calls, found.calls_cost) == (88, {"Place Details Enterprise": 42}, 0)
    assert cost_of_calls(SKUS[Tier.FULL], 41) == 0
    assert found.write_units == pytest.approx(1_656, rel=0.15)


def test_echoed_answers_make_87_good_places() -> None:
    places = sample().places("echo")
    assert len(places) == 87
    assert Counter(p.place.validation_status for p in places) == {"MATCHED": 72, "UNSURE": 15}
    assert Counter(p.agreement.name for p in places) == {Match.MATCH: 87}
    assert Counter(p.agreement.address for p in places) == {Match.MATCH: 87}
    assert Counter(p.place.geohash for p in places) == {"gcpvj1": 68, "gcpvj3": 13, "gcpvj4": 4, "gcpvj0": 2}
    assert len({p.item["GSI1PK"]["S"] for p in places}) == 35
    assert {str(p.place.confidence) for p in places} == {"0.95", "0.65"}


def test_echoed_places_have_the_sizes_and_write_units_of_the_plan() -> None:
    sizes = [place.size for place in sample().places("echo")]
    assert (min(sizes), median(sizes), round(mean(sizes)), max(sizes)) == (2_048, 2_932, 2_873, 3_550)
    assert sum(write_units(size, indexes=0) for size in sizes) == 276
    assert sum(map(write_units, sizes)) == 1_656


def test_unrelated_answers_are_suspicious_unless_the_name_is_kept() -> None:
    places = sample().places("plain")
    assert sum(place.agreement.is_suspicious for place in places) == 85
    assert Counter(
        (str(p.place.confidence), p.place.validation_status) for p in places if p.agreement.is_suspicious
    ) == {("0.50", "UNSURE"): 85}
    kept = {
        (sample().place_ids.index(p.place.place_id), p.place.image_id[:8], p.place.merchant_name)
        for p in places
        if "name_non_latin" in p.notes
    }
    assert kept == {(34, "beeb9d6a", "Mendocino Farms"), (39, "e21c1ed5", "Laundry Valet")}


def test_even_the_corrupt_id_would_make_a_place_if_google_knew_it() -> None:
    """Whether an id is good is Google's to say: nothing here rejects it for its length."""
    assert len(sample().eligible) == 88
    assert all(len(sample().answer(i, "plain")["location"]) == 2 for i in sample().place_ids)


@pytest.mark.parametrize(("key", "gsi1", "gsi3", "gsi4", "fields", "digest"), D3, ids=[row[0][0][:8] for row in D3])
def test_the_rows_of_the_plan(
    key: tuple[str, int], gsi1: str, gsi3: str, gsi4: str, fields: tuple[str, ...], digest: str
) -> None:
    (found,) = [p for p in sample().places("echo") if (p.place.image_id, p.place.receipt_id) == key]
    assert found.item["GSI1PK"] == {"S": gsi1}
    assert found.item["GSI3SK"] == {"S": f"{gsi3}#IMAGE#{key[0]}"}
    assert found.item["GSI4PK"] == {"S": gsi4}
    assert found.place.matched_fields == fields
    mark = mark_of(found.place.reasoning)
    assert mark is not None
    assert (mark.run_id, mark.source_digest) == (RUN, digest)


def test_a_place_without_a_phone_takes_the_receipts() -> None:
    (found,) = [p for p in sample().places("echo") if p.place.image_id.startswith("04b16930")]
    place = "IMAGE#04b16930-7baf-4539-866f-b77d8e73cff8#RECEIPT#00002#PLACE"
    assert found.item["GSI2PK"] == {"S": "PLACE#ChIJ6Z8PF8SdwoAR-hJVNYMOheQ"}
    assert found.item["GSI1SK"] == found.item["GSI2SK"] == {"S": place}
    assert found.item["phone_number"] == {"S": "1-800-935-9935"}
    assert found.item["phone_intl"] == {"NULL": True}


@pytest.mark.parametrize("mode", ["echo", "plain"])
def test_real_places_read_back_as_they_were_built(mode: str) -> None:
    for place in sample().places(mode):
        assert read_place(place.item) == place.place
        assert wrong_keys(place.item) == ()


def test_places_of_one_id_say_the_same_of_it() -> None:
    """Fields that come from Google alone: the ones that the gate on duplicates compares."""
    places = sorted(sample().places("plain"), key=lambda p: p.place.place_id)
    fields = ("latitude", "longitude", "hours_periods", "merchant_types", "address_components", "phone_intl")
    for one, other in pairwise(places):
        if one.place.place_id == other.place.place_id:
            assert [getattr(one.place, f) for f in fields] == [getattr(other.place, f) for f in fields]
    assert len({content_digest(place.item) for place in places}) == 87
    assert {place.place.key.bucket for place in places} <= set(BUCKETS)
