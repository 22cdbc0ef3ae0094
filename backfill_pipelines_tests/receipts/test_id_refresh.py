"""Place ids that are older than a year: found in the cache, asked for by the free call, told when they do not hold."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backfill_pipelines.cli import app
from backfill_pipelines.receipts.id_refresh import id_ages, refresh_ids
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import RecordLedger, Settlement
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.plans import save_plan
from backfill_pipelines.receipts.prices import Tier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.places_standin_state import Does, Fault
from backfill_pipelines_tests.receipts.migration_world import plan_over
from backfill_pipelines_tests.receipts.places_world import QUICK, PlacesWorld, ids, places_world
from backfill_pipelines_tests.receipts.receipt_tables import image

NOW = datetime.now(UTC)
MOVED_TO = "ChIJ_the_place_is_here_now"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlacesWorld]:
    """Four ids: three whose answer is 13 months old, and one of today."""
    with places_world(tmp_path) as found:
        found.fetch(ids(4))
        for place_id in ids(3):
            age(found, place_id, timedelta(days=395))
        found.state.reset_meters()
        yield found


def age(world: PlacesWorld, place_id: str, by: timedelta) -> None:
    entry = world.entry(place_id)
    assert entry is not None
    world.cache.write(replace(entry, fetched_at=(NOW - by).isoformat()))


def objects_of(world: PlacesWorld) -> ObjectStore:
    return ObjectStore(url=str(world.folder / "objects"), is_own=True)


def refresh(world: PlacesWorld) -> None:
    objects = objects_of(world)
    report = refresh_ids(
        id_ages(objects, ids(4), NOW).old,
        run_id="id-refresh",
        objects=objects,
        client=world.client,
        ledger=world.ledger,
        settings=world.migration,
        patience=QUICK,
    )
    assert report.is_complete


def test_ids_without_an_answer_within_a_year_are_due_and_no_others(world: PlacesWorld) -> None:
    age(world, ids(1)[0], timedelta(days=364))
    found = id_ages(objects_of(world), [*ids(4), "ChIJ_nobody_has_asked"], NOW)
    assert found.old == tuple(ids(2, 1))
    assert found.text == ("0 refreshed (0 moved, 0 gone), 2 older than 365 days: backfill receipts refresh-ids --apply")


def test_they_are_asked_for_once_a_year_by_calls_that_cost_nothing(world: PlacesWorld) -> None:
    """The budget may be spent: these calls are free, and an id that does not hold costs a paid call later."""
    world.settings = {"budget_usd": "0", "free_calls": 0}
    refresh(world)
    assert sorted(world.asked) == ids(3)
    rows = world.ledger.calls("id-refresh")
    assert {(row.tier, row.price) for row in rows} == {(str(Tier.ID_REFRESH), 0)}
    assert id_ages(objects_of(world), ids(4), NOW).old == ()
    refresh(world)
    assert len(world.asked) == 3
    assert id_ages(objects_of(world), ids(4), NOW + timedelta(days=366)).old == tuple(ids(4))


def test_the_cached_places_stay_as_old_as_they_are(world: PlacesWorld) -> None:
    before = {place_id: world.entry(place_id) for place_id in ids(4)}
    refresh(world)
    assert {place_id: world.entry(place_id) for place_id in ids(4)} == before


def test_moved_and_vanished_ids_are_told(world: PlacesWorld) -> None:
    moved, gone, _ = ids(3)
    world.script(moved, Does.MOVED, MOVED_TO)
    world.script(gone, Does.NOT_FOUND)
    refresh(world)
    found = id_ages(objects_of(world), ids(4), NOW)
    assert found.moved == {moved: MOVED_TO}
    assert found.gone == {gone: "obsolete_id"}
    assert found.text == "3 refreshed (1 moved, 1 gone), 0 older than 365 days"


@pytest.fixture
def desk(world: PlacesWorld, monkeypatch: pytest.MonkeyPatch) -> PlacesWorld:
    """A plan whose ledger has a record of each id, as an operator's environment."""
    plan = plan_over({"00": 4})
    save_plan(objects_of(world), plan)
    written = [Settlement(RecordKey.of(image(n), 1), place_id, Outcome.CREATED) for n, place_id in enumerate(ids(4))]
    RecordLedger(world.control, plan.plan_id).settle("rp-1", written)
    for name, value in {
        "STATE_DIR": str(world.folder / "state"),
        "CONTROL_URL": world.control.url,
        "OBJECTS_URL": str(world.folder / "objects"),
        "RECEIPTS_TABLE": plan.table,
        "PLACES": "google",
        "PLACES_ENDPOINT": world.served.url,
        "PLACES_KEY": "embedded",
        "PLACES_QPM": "6000",
    }.items():
        monkeypatch.setenv(f"BACKFILL_{name}", value)
    return world


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["receipts", "refresh-ids", *words], catch_exceptions=False)


def test_the_command_counts_first_and_calls_with_apply(desk: PlacesWorld) -> None:
    desk.script(ids(1)[0], Does.MOVED, MOVED_TO)
    shown = command()
    assert (shown.exit_code, desk.asked) == (0, [])
    assert "3 older than 365 days" in " ".join(shown.output.split())
    done = command("--apply")
    assert done.exit_code == 0, done.output
    assert f"moved: {ids(1)[0]} is now {MOVED_TO}" in " ".join(done.output.split())
    assert "3 refreshed (1 moved, 0 gone), 0 older" in " ".join(done.output.split())


def test_a_refused_key_ends_the_command_with_4_and_a_used_up_quota_with_3(desk: PlacesWorld) -> None:
    desk.state.script.from_request[1] = Fault(Does.DAILY_QUOTA)
    parked = command("--apply")
    assert parked.exit_code == 3
    assert "3 ids were not answered for" in " ".join(parked.output.split())
    desk.state.script.from_request[1] = Fault(Does.FORBIDDEN)
    refused = command("--apply")
    assert refused.exit_code == 4, refused.output
    assert "auth_error" in refused.output
