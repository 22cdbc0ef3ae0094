"""The cache of answers: what is fresh, what another process wrote, what a damaged or foreign file is worth."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.places_cache import OK, Entry, PlacesCache, entry_key
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.stores.objects import ObjectStore

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
FULL = field_mask(Tier.FULL)
ENTRY = Entry(
    place_id="ChIJ6Z8PF8SdwoAR-hJVNYMOheQ",
    status=OK,
    fetched_at=(NOW - MONTH).isoformat(),
    tier="full",
    field_mask=FULL,
    http_status=200,
    response_id="ChIJ6Z8PF8SdwoAR-hJVNYMOheQ",
    response_digest="d",
    notes=("id_moved",),
    body={"id": "ChIJ6Z8PF8SdwoAR-hJVNYMOheQ", "displayName": {"text": "라뒤레"}, "location": {"latitude": 51.510383}},
)


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore(url=str(tmp_path), is_own=True)


def test_an_entry_is_read_back_as_it_was_written(objects: ObjectStore) -> None:
    PlacesCache(objects).write(ENTRY)
    assert PlacesCache(objects).read(["absent-absent", ENTRY.place_id]) == {ENTRY.place_id: ENTRY}
    assert entry_key(ENTRY.place_id).endswith(f"/{ENTRY.place_id}.json")


@pytest.mark.parametrize(
    ("mask", "late", "is_fresh"),
    [
        (FULL, timedelta(0), True),
        (FULL, timedelta(seconds=1), False),
        (field_mask(Tier.PRO), timedelta(0), True),
        (field_mask(Tier.FULL, with_photos=True), timedelta(0), False),
    ],
)
def test_an_entry_serves_while_it_is_young_and_holds_the_fields(mask: str, late: timedelta, *, is_fresh: bool) -> None:
    assert ENTRY.is_fresh(NOW + late, MONTH, mask) is is_fresh
    negative = replace(ENTRY, status=str(Reason.OBSOLETE_ID), field_mask="id", body=None)
    assert negative.is_fresh(NOW + late, MONTH, mask) is (late == timedelta(0))


def test_what_another_process_wrote_is_seen_when_asked_again(objects: ObjectStore) -> None:
    first, second = PlacesCache(objects), PlacesCache(objects)
    first.write(ENTRY)
    second.write(replace(ENTRY, detail="newer"))
    assert first.read([ENTRY.place_id])[ENTRY.place_id].detail == ""
    assert first.read([ENTRY.place_id], again=True)[ENTRY.place_id].detail == "newer"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"v": 2}', b'{"v": 1, "place_id": "x"}'])
def test_a_damaged_entry_is_none(objects: ObjectStore, content: bytes) -> None:
    objects.write(entry_key(ENTRY.place_id), content)
    assert PlacesCache(objects).read([ENTRY.place_id]) == {}


def test_an_entry_of_another_id_is_none(objects: ObjectStore) -> None:
    """A file system that ignores case gives out the file of an id that differs in case only."""
    PlacesCache(objects).write(ENTRY)
    ((_, content),) = objects.read([entry_key(ENTRY.place_id)])
    other = ENTRY.place_id.upper()
    objects.write(entry_key(other), content)
    assert PlacesCache(objects).read([other]) == {}


def test_an_id_of_any_length_has_a_file(objects: ObjectStore) -> None:
    long = replace(ENTRY, place_id="E" * 900)
    PlacesCache(objects).write(long)
    assert PlacesCache(objects).read([long.place_id]) == {long.place_id: long}
