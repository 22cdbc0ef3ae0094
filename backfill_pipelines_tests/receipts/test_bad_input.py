"""Every reason for which a record is set aside, in one run: quarantined, counted by a gate, harming no other."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.items import MOST_ITEM_BYTES, Item
from backfill_pipelines.receipts.outcomes import REASONS, Outcome, Reason
from backfill_pipelines.receipts.quarantine import quarantined
from backfill_pipelines.stores.places import Answer
from backfill_pipelines_tests.receipts.builders import PLACE_ID, answer
from backfill_pipelines_tests.receipts.fake_places import FakePlaces, refusal
from backfill_pipelines_tests.receipts.receipt_tables import image, receipt_of, row_of
from backfill_pipelines_tests.receipts.writing_world import World, failure, outcomes, world


def id_of(reason: Reason) -> str:
    return f"ChIJ_{reason}"


def raw(text: str) -> Answer:
    return Answer(200, text.encode())


def moved(place_id: str, to: str) -> Answer:
    return raw(json.dumps({"id": place_id, "movedPlaceId": to}))


BODIES = {
    Reason.NO_COORDINATES: answer(location=...),
    Reason.BAD_COORDINATES: answer(location={"latitude": 91.5, "longitude": 0}),
    Reason.NAME_UNSLUGABLE: answer(displayName={"text": "酔瓉楼"}),
    Reason.ITEM_TOO_LARGE: answer(websiteUri="x" * MOST_ITEM_BYTES),
    Reason.INVALID_ITEM: answer(displayName={"text": "x" * 3000}),
}
SCRIPT = {
    Reason.OBSOLETE_ID: refusal(404, "NOT_FOUND", "The Place ID is no longer valid."),
    Reason.MALFORMED_ID: refusal(400, "INVALID_ARGUMENT", "Not a valid Place ID"),
    Reason.MOVED_CHAIN: moved(id_of(Reason.MOVED_CHAIN), "ChIJ_second_home"),
    Reason.BAD_RESPONSE: raw('{"id": "x", "websiteUri": "\\ud800"}'),
}
#: Each in a bucket of its own, beside a good record.
BAD = sorted((*BODIES, *SCRIPT, Reason.SOURCE_CHANGED))


@pytest.fixture
def here(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    bodies: dict[str, Any] = {id_of(reason): body for reason, body in BODIES.items()} | {PLACE_ID: answer()}
    script = {id_of(reason): said for reason, said in SCRIPT.items()}
    places = FakePlaces(bodies, script | {"ChIJ_second_home": moved("ChIJ_second_home", "ChIJ_third_home")})
    with world(ministack_endpoint, ministack_state, tmp_path, places) as made:
        yield made


def pair(number: int, reason: Reason) -> list[Item]:
    """A good record and a bad one of the same image."""
    bad = {"SK": "RECEIPT#00002#METADATA", "place_id": id_of(reason)}
    name = {"merchant_name": "N/A"} if reason is Reason.NAME_UNSLUGABLE else {}
    return [
        row_of(number),
        receipt_of(number),
        row_of(number, **bad, **name),
        receipt_of(number, SK={"S": "RECEIPT#00002"}),
    ]


def test_every_reason_is_there() -> None:
    assert set(BAD) == REASONS[Outcome.QUARANTINED]


def test_each_bad_record_is_set_aside_by_its_reason_and_its_bucket_is_complete(here: World) -> None:
    here.prepare([item for number, reason in enumerate(BAD) for item in pair(number, reason)])
    gone = row_of(BAD.index(Reason.SOURCE_CHANGED), SK="RECEIPT#00002#METADATA")
    here.place.store.delete({name: gone[name] for name in ("PK", "SK")})
    last = f"{len(BAD) - 1:02x}"
    result = here.run(last=last)
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {"created": 10, **{f"quarantined {reason}": 1 for reason in BAD}}
    assert here.materialized() == [f"{number:02x}" for number in range(len(BAD))]

    listed = {(entry.key.name, entry.reason): entry for entry in quarantined(here.ledger)}
    assert set(listed) == {(f"{image(number)}/2", str(reason)) for number, reason in enumerate(BAD)}
    assert all(entry.detail for entry in listed.values()), "what was found instead of a place"
    counted = here.report(result).ratio
    assert counted.startswith("metadata_without_place_ratio FAIL: 10 of 20"), counted
