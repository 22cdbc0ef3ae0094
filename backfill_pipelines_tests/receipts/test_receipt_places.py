"""``receipts/receipt_places``: what a run writes, what it leaves alone, what it says and how it ends."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.receipts.before_images import load_before_image
from backfill_pipelines.receipts.decisions import latest_decision
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.migration_assets import CACHE, PLACES
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.place_admission import PREFLIGHT
from backfill_pipelines.receipts.write_rate import remember_share, share_to_begin_with
from backfill_pipelines.stores.leases import Lease, Leases
from backfill_pipelines_tests.receipts.builders import PLACE_ID, answer, place_item
from backfill_pipelines_tests.receipts.fake_places import FakePlaces, refusal
from backfill_pipelines_tests.receipts.receipt_tables import image, receipt_of, row_of
from backfill_pipelines_tests.receipts.writing_world import QUIET, World, failure, outcomes, preflight_of, world

OTHER_ID, GONE_ID, ODD_ID, EMPTY_ID = (f"ChIJ{letter * 23}" for letter in "BCDE")
WRITTEN_BY_OTHERS = {"reasoning": {"S": "Found by the live system."}, "timestamp": {"S": "2026-01-01T00:00:00+00:00"}}


def test_the_rate_that_a_run_has_reached_is_where_the_next_one_begins(here: World) -> None:
    assert share_to_begin_with(here.control, "Receipts") == 0.25
    remember_share(here.control, "Receipts", 0.5)
    remember_share(here.control, "Receipts", 0.125)
    assert share_to_begin_with(here.control, "Receipts") == 0.125
    assert share_to_begin_with(here.control, "Other") == 0.25


@pytest.fixture
def enriching(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    """The same where stubs of others are filled in."""
    with world(ministack_endpoint, ministack_state, tmp_path, enrich_stubs=True) as made:
        yield made


def rows(*numbers: int, **changes: Any) -> list[dict[str, Any]]:
    return [item for number in numbers for item in (row_of(number, **changes), receipt_of(number))]


def place_of(number: int, **changes: Any) -> dict[str, Any]:
    """A place under the number-th record's key, as another writer has left it."""
    texts = {"PK": {"S": f"IMAGE#{image(number)}"}, "image_id": {"S": image(number)}}
    return place_item(**texts | WRITTEN_BY_OTHERS | changes)


def stub_of(number: int) -> dict[str, Any]:
    absent = dict.fromkeys(("latitude", "longitude", "geohash", "GSI4PK", "GSI4SK"), ...)
    return place_of(number, confidence={"N": "0"}, validation_status={"S": ""}, **absent)


def key(number: int) -> RecordKey:
    return RecordKey.of(image(number), 1)


def verdicts(here: World, gate: str) -> dict[str, bool]:
    check = dg.AssetCheckKey(PLACES, gate)
    return dict(latest_verdicts(here.instance, [check])[check])


def test_a_run_writes_the_places_of_its_buckets_and_materialises_them(here: World) -> None:
    here.prepare([*rows(0, 1), *rows(2, place_id="null")])
    result = here.run()
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {"created": 2}
    assert len(here.stored()) == 2
    assert here.materialized() == ["00", "01", "02", "03"]
    assert here.places.asked == {PLACE_ID: 1}, "one call for a place id, however many records have it"
    assert set(verdicts(here, "readback_equal").values()) == {True}


def test_a_second_run_calls_nothing_and_puts_nothing(here: World) -> None:
    here.prepare(rows(0, 1))
    here.run()
    before = here.stored()
    here.release()
    again = here.run()
    assert again.success, failure(again)
    assert here.stored() == before
    assert here.report(again).attempted == 0
    assert here.report(again).calls == {}
    assert here.places.asked.total() == 1


def test_a_dry_run_reads_calls_and_writes_nothing_and_says_what_it_would_do(here: World) -> None:
    here.prepare(rows(0, 1))
    looked = here.run(apply=False, fetch=False)
    assert looked.success, failure(looked)
    assert here.report(looked).tally == {"would_call": {"": 2}}
    fetched = here.run(apply=False, fetch=True)
    report = here.report(fetched)
    assert report.tally == {"would_create": {"": 2}}
    assert [sample["kind"] for sample in report.shown] == ["create", "create"]
    assert here.places.asked.total() == 1
    (seen, _) = here.instance.fetch_observations(PLACES, limit=10).records
    assert seen.asset_observation is not None
    assert "receipts/samples" in seen.asset_observation.metadata
    assert here.stored() == {}
    assert here.entries() == {}
    assert here.materialized() == []


def test_a_canary_is_recorded_and_lets_the_first_wave_begin(here: World) -> None:
    plan = here.prepare(rows(0, 1))
    here.run(apply=False, fetch=True, canary=True, limit=100)
    made = latest_decision(here.place.objects, plan.plan_id, "canary")
    assert made is not None
    assert (made.revision, made.choice) == (2, "proceed")
    assert made.evidence.results[0].values == {"records": 2, "quarantined": 0}


def test_a_canary_can_be_made_again_when_all_is_written(here: World) -> None:
    """Its record is valid for a week: without a new one nothing of the first wave could be repaired after that."""
    here.prepare(rows(0, 1))
    assert here.run("00", "00").success
    result = here.run(apply=False, fetch=True, canary=True, limit=100)
    made = latest_decision(here.place.objects, here.plan.plan_id, "canary")
    assert made is not None
    assert (result.success, made.choice) == (True, "proceed")
    assert here.report(result).tally == {"built_again": {"": 1}, "would_create": {"": 1}}


def test_a_canary_that_cannot_be_built_holds_the_first_wave(here: World) -> None:
    plan = here.prepare([*rows(0), *rows(1, place_id=ODD_ID)])
    here.choices = {"max_calls": 1}
    result = here.run(apply=False, fetch=True, canary=True, limit=100)
    made = latest_decision(here.place.objects, plan.plan_id, "canary")
    assert made is not None
    assert (made.choice, made.reason) == ("hold", "not clean: canary_clean")
    assert made.evidence.results[0].culprits[0].startswith(f"{image(1)}/1: parked_budget")
    assert here.report(result).red == {"canary_clean": 1}


def test_what_another_writer_has_put_is_never_touched(here: World) -> None:
    others = [place_of(0), stub_of(1), place_of(2, place_id={"S": OTHER_ID})]
    here.prepare([*rows(0, 1, 2, 3), *others])
    before = here.stored()
    result = here.run()
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {
        "existing existing": 1,
        "existing existing_stub": 1,
        "existing existing_conflict": 1,
        "created": 1,
    }
    assert {name: item for name, item in here.stored().items() if name in before} == before


def test_a_stub_is_filled_in_where_that_is_asked_for_and_its_before_image_kept(enriching: World) -> None:
    enriching.prepare([*rows(0, 1), stub_of(0)])
    result = enriching.run()
    assert result.success, failure(result)
    entry = enriching.entries()[key(0)]
    assert (entry.outcome, entry.kind) == ("enriched", "enrich")
    assert load_before_image(enriching.place.objects, entry.before_image) == stub_of(0)
    stored = enriching.place.store.get(table_key(image(0), 1))
    assert stored is not None
    assert stored["latitude"] == {"N": "34.1915"}


def test_a_stub_that_its_owner_fills_in_first_is_left_to_its_owner(enriching: World) -> None:
    """A lost race is no failure."""
    enriching.prepare([*rows(0), stub_of(0)])
    store = enriching.place.store

    class Racing(type(enriching.place.items)):  # type: ignore[misc]
        """Between the read of the stub and the put, the live system completes it."""

        def store(self, table: str | None = None) -> Any:
            found = super().store(table)
            put = found.put

            def late(item: Any, when: Any = None) -> Any:
                store.put(place_of(0))
                return put(item, when)

            found.put = late
            return found

    items = enriching.place.items
    racing = Racing(table=items.table, embedded=items.embedded, environments=items.environments)
    result = enriching.run(resources={"items": racing})
    assert result.success, failure(result)
    assert outcomes(enriching.entries().values()) == {"existing existing": 1}
    assert store.get(table_key(image(0), 1)) == place_of(0)


def test_bad_records_are_set_aside_by_reason_and_hold_no_bucket_back(here: World) -> None:
    here.places = FakePlaces(
        {PLACE_ID: answer(), EMPTY_ID: answer(location=...), OTHER_ID: answer(displayName={"text": "酔瓉楼"})},
        {ODD_ID: refusal(400, "INVALID_ARGUMENT", f"Not a valid Place ID: {ODD_ID}")},
    )
    here.prepare(
        [
            *rows(0),
            *rows(1, place_id=GONE_ID),
            *rows(2, place_id=ODD_ID),
            *rows(3, place_id=EMPTY_ID),
            *rows(4, place_id=OTHER_ID, merchant_name="N/A"),
            *rows(5, place_id="null"),
        ]
    )
    result = here.run(last="05")
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {
        "created": 1,
        "quarantined obsolete_id": 1,
        "quarantined malformed_id": 1,
        "quarantined no_coordinates": 1,
        "quarantined name_unslugable": 1,
    }
    assert here.materialized() == ["00", "01", "02", "03", "04", "05"]
    # Nothing is held back, and nobody can overlook it.
    assert here.report(result).ratio.startswith("metadata_without_place_ratio FAIL: 4 of 5")


def test_a_row_that_changed_since_the_inventory_is_built_anew_or_set_aside(here: World) -> None:
    here.prepare(rows(0, 1, 2))
    here.place.store.delete({name: row_of(0)[name] for name in ("PK", "SK")})
    here.place.load([row_of(1, place_id="null"), row_of(2, reasoning="Corrected by hand.")])
    result = here.run()
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {"quarantined source_changed": 2, "created": 1}
    stored = here.place.store.get(table_key(image(2), 1))
    assert stored is not None
    assert "(Corrected by hand.)" in stored["reasoning"]["S"]


def test_a_receipt_that_is_gone_since_the_inventory_gets_no_place(here: World) -> None:
    """A place without its receipt would be an orphan that nobody finds before the wave's gates."""
    here.prepare(rows(0, 1))
    here.place.store.delete({name: receipt_of(0)[name] for name in ("PK", "SK")})
    result = here.run()
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {"quarantined source_changed": 1, "created": 1}
    (gone,) = [entry for entry in here.entries().values() if entry.reason]
    assert gone.detail == "the record is not eligible since the inventory: receipt_missing"


def test_where_no_receipt_is_required_none_is_looked_for(here: World) -> None:
    here.place.load([row_of(0)])
    here.prepare(requires_receipt=False)
    result = here.run()
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {"created": 1}


def test_a_limit_advances_and_leaves_the_cut_bucket_open(here: World) -> None:
    more = [*rows(1), *[{**row_of(1, SK="RECEIPT#00002#METADATA")}, {**receipt_of(1, SK={"S": "RECEIPT#00002"})}]]
    here.prepare([*rows(0), *more, *rows(2)])
    seen = []
    for _ in range(3):
        result = here.run(limit=2)
        assert result.success, failure(result)
        seen.append((len(here.stored()), here.materialized()))
        here.release()
    assert seen == [(2, ["00", "03"]), (4, ["00", "01", "02", "03"]), (4, ["00", "01", "02", "03"])]


def test_one_record_is_written_by_its_name(here: World) -> None:
    here.prepare(rows(0, 1))
    result = here.run("01", "01", image_id=image(1), receipt_id=1)
    assert result.success, failure(result)
    assert list(here.entries()) == [key(1)]
    assert here.materialized() == ["01"]


def test_a_record_that_nobody_knows_or_that_gets_no_place_is_refused_by_its_name(here: World) -> None:
    """A green run that has written nothing says that the record is in order."""
    here.prepare([*rows(0), row_of(1, place_id="null"), receipt_of(1)])
    for number, said in ((0, "has no metadata row of"), (1, "gets no place: place_id_placeholder")):
        receipt_id = 9 if number == 0 else 1
        result = here.run(f"{number:02x}", image_id=image(number), receipt_id=receipt_id, apply=False)
        assert not result.success
        assert said in failure(result)


def test_a_red_bucket_keeps_no_other_from_being_materialised(here: World) -> None:
    """Somebody deletes a place between the put and the read-back: its bucket is red, and says which record."""
    here.prepare(rows(0, 1, 2))
    store = here.place.store
    lost = table_key(image(1), 1)

    class Losing(type(here.place.items)):  # type: ignore[misc]
        """The item is gone when it is read back."""

        def store(self, table: str | None = None) -> Any:
            found = super().store(table)
            batch_get = found.batch_get

            def late(keys: Any) -> Any:
                wanted = list(keys)
                if any(key["SK"]["S"].endswith("#PLACE") for key in wanted):
                    store.delete(lost)
                return batch_get(wanted)

            found.batch_get = late
            return found

    items = here.place.items
    losing = Losing(table=items.table, embedded=items.embedded, environments=items.environments)
    result = here.run(resources={"items": losing})
    assert not result.success
    assert here.materialized() == ["00", "02", "03"]
    text = failure(result)
    assert f"readback_equal: 1 expected vs 0, e.g. {image(1)}/1 is not there" in text
    assert "Repair: mend the cause, then: backfill receipts run --buckets 01 --apply --fetch" in text
    assert verdicts(here, "readback_equal") == {"00": True, "01": False, "02": True, "03": True}


def test_a_wrong_key_stops_the_run_and_marks_no_record(here: World) -> None:
    here.places = FakePlaces({PLACE_ID: answer()}, after=(0, refusal(403, "PERMISSION_DENIED", "key is not valid")))
    here.prepare(rows(0, 1))
    result = here.run()
    assert not result.success
    assert "the Places API refused with auth_error" in failure(result)
    assert here.entries() == {}
    assert here.report(result).stop == "auth_error"
    assert here.materialized() == []
    assert here.places.asked.total() == 1


def test_over_the_cap_records_are_parked_and_the_next_run_goes_on(
    ministack_endpoint: str, ministack_state: Path, tmp_path: Path
) -> None:
    ids = [f"ChIJ{number:023}" for number in range(4)]
    places = FakePlaces({place_id: answer() for place_id in ids})
    with world(ministack_endpoint, ministack_state, tmp_path, places, max_calls=3) as here:
        here.prepare([item for number, place_id in enumerate(ids) for item in rows(number, place_id=place_id)])
        result = here.run()
        assert not result.success
        assert outcomes(here.entries().values()) == {"created": 3, "parked parked_budget": 1}
        assert here.report(result).red == {"every_record_is_settled": 1, "no_duplicate_after_publish": 1}
        here.release()
        assert here.run().success
        assert outcomes(here.entries().values()) == {"created": 4}
        assert here.places.asked.total() == 4


def test_a_second_writer_is_refused_and_told_who_writes(here: World) -> None:
    here.prepare(rows(0))
    with Leases(here.control).held(f"receipts writer of {here.place.name}", "rp-other", "a rollback"):
        result = here.run()
    assert not result.success
    assert "is held by rp-other (a rollback)" in failure(result)
    assert here.report(result).stop == "lease"
    assert here.stored() == {}


def test_a_writer_that_lost_its_lease_stops_and_says_so(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that slept must not write beside its successor; the command ends as stopped, not as red."""
    here.prepare(rows(0))
    monkeypatch.setattr(Lease, "is_held", property(lambda lease: not lease.name.startswith("receipts writer of")))
    result = here.run()
    assert not result.success
    assert "the lease receipts writer of" in failure(result)
    assert here.report(result).stop == "lease"
    assert here.stored() == {}
    monkeypatch.undo()
    assert here.run().success


def test_writing_is_refused_with_its_reason_and_a_dry_run_is_not(here: World) -> None:
    here.prepare(rows(0, 1))
    here.instance.wipe_assets([PREFLIGHT])
    here.choices = {"production_tables": [here.place.name]}
    result = here.run(fetch=False)
    text = failure(result)
    for said in (
        "is a production table: its name is needed as confirmation, nothing was given. Repair: --confirm",
        "receipts/preflight has not been green yet. Repair: backfill receipts preflight",
        f"1 of 1 place ids are not in the cache, e.g. {PLACE_ID}",
    ):
        assert said in text
    assert here.run(apply=False, fetch=False).success
    assert here.stored() == {}


def test_a_preflight_of_another_table_proves_nothing(here: World) -> None:
    here.prepare(rows(0))
    dg.materialize([preflight_of("Receipts-other")], instance=here.instance, run_config=QUIET)
    assert f"receipts/preflight was about Receipts-other, not {here.place.name}" in failure(here.run())


def test_a_wave_whose_predecessor_is_not_decided_is_refused(here: World) -> None:
    plan = here.prepare(rows(0, 1, 2, 3))
    first, second = plan.waves[:2]
    assert here.run(first.first_bucket, first.last_bucket).success
    result = here.run(second.first_bucket, second.first_bucket)
    assert "is void: a bucket was written again or rolled back since" in failure(result)


def test_a_plan_of_another_state_is_refused(here: World) -> None:
    here.prepare(rows(0))
    here.choices = {"photo_references_max": 1}
    result = here.run()
    assert "was made from another state: settings_digest changed since" in failure(result)


def test_the_cache_asks_for_each_id_in_the_bucket_of_its_first_record(here: World) -> None:
    here.places = FakePlaces({PLACE_ID: answer(), OTHER_ID: answer()})
    here.prepare([*rows(0, 2), *rows(1, place_id=OTHER_ID), *rows(3, place_id=GONE_ID)])
    assert here.run(key=CACHE, apply=False).success
    assert here.places.asked.total() == 0
    result = here.run(key=CACHE)
    assert result.success, failure(result)
    assert here.places.asked == {PLACE_ID: 1, OTHER_ID: 1, GONE_ID: 1}
    assert here.materialized(CACHE) == ["00", "01", "02", "03"]
    records = here.instance.fetch_materializations(CACHE, limit=10).records
    found = {r.partition_key: r.asset_materialization for r in records}
    states = {p: m.metadata["backfill/state"].value for p, m in found.items() if m}
    assert states["02"] == "expected_empty: no_id_has_its_first_record_here"
    assert here.run(fetch=False).success, "the cache holds everything that the places need"
