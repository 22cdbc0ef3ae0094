"""The gap sensor of the receipts, ticked on a real table: what it asks for, what it leaves alone, and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.busy import ASSET_TAG
from backfill_pipelines.receipts.assets import INVENTORY, build_receipt_assets
from backfill_pipelines.receipts.gap_sensor import REFRESH_JOB, build_receipts_gap_sensor, quota_reset
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.migration_assets import PLACES, PLAN, build_migration_assets
from backfill_pipelines.receipts.rollback_run import Request, RollbackWork
from backfill_pipelines_tests.receipts.builders import PLACE_ID, answer
from backfill_pipelines_tests.receipts.fake_places import FakePlaces, refusal
from backfill_pipelines_tests.receipts.receipt_tables import receipt_of, row_of
from backfill_pipelines_tests.receipts.stoppable_clock import StoppableClock
from backfill_pipelines_tests.receipts.writing_world import QUIET, World, failure, world

NEW_ID = "ChIJ_a_place_nobody_asked_for"
QUOTA = refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'requests' and limit 'requests per day'")


def rows(*numbers: int, **changes: Any) -> list[Item]:
    return [item for n in numbers for item in (row_of(n, **changes), receipt_of(n))]


def second_row(number: int, **changes: Any) -> list[Item]:
    """Another receipt of an image: it came after the inventory."""
    metadata = row_of(number, SK="RECEIPT#00002#METADATA", **changes)
    return [metadata, receipt_of(number, SK={"S": "RECEIPT#00002"})]


@dataclass
class Ticking(StoppableClock):
    """A world, and the sensor that watches it."""

    world: World

    def tick(self) -> list[dg.RunRequest] | str:
        """The runs that a tick asks for, or why it asks for none."""
        sensor = build_receipts_gap_sensor(self.now)
        assets = [*build_receipt_assets(), *build_migration_assets()]
        repository = dg.Definitions(assets, sensors=[sensor], resources=self.world.resources).get_repository_def()
        context = dg.build_sensor_context(
            self.world.instance, repository_def=repository, resources=self.world.resources
        )
        found = repository.get_sensor_def(sensor.name).evaluate_tick(context)
        return list(found.run_requests or []) or str(found.skip_message)

    def ranges(self) -> list[tuple[str, str]]:
        found = self.tick()
        assert not isinstance(found, str), found
        return [
            (one.tags["dagster/asset_partition_range_start"], one.tags["dagster/asset_partition_range_end"])
            for one in found
        ]

    def fill(self) -> None:
        """Do what the sensor asks for, as the daemon would."""
        found = self.tick()
        assert not isinstance(found, str), found
        (places,) = [asset for asset in build_migration_assets() if asset.key == PLACES]
        for request in found:
            result = dg.materialize(
                [places],
                instance=self.world.instance,
                resources=self.world.resources,
                tags=request.tags,
                run_config={**QUIET, **request.run_config},
                raise_on_error=False,
            )
            assert result.success, failure(result)


@pytest.fixture
def ticking(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[Ticking]:
    places = FakePlaces({PLACE_ID: answer(), NEW_ID: answer()})
    with world(ministack_endpoint, ministack_state, tmp_path, places, budget_usd="0", free_calls=1) as made:
        yield Ticking(made)


@pytest.fixture
def pilot(ticking: Ticking) -> Ticking:
    """Eight records, 00 is wave 1 and written; waves 2 (01), 3 (02-04) and 4 are released and not begun."""
    ticking.world.prepare(rows(*range(8)))
    assert ticking.world.run("00", "00").success
    ticking.world.release()
    return ticking


def test_it_is_stopped_until_somebody_starts_it() -> None:
    assert build_receipts_gap_sensor().default_status is dg.DefaultSensorStatus.STOPPED


def test_it_never_begins_the_migration_nor_a_wave(ticking: Ticking) -> None:
    """A sensor that is started too early must not write a hundred thousand places."""
    assert "no wave was begun" in str(ticking.tick())
    ticking.world.prepare(rows(*range(8)))
    assert "no wave was begun" in str(ticking.tick())
    assert ticking.world.run("00", "00").success
    ticking.world.release()
    assert "no gap in a released wave" in str(ticking.tick())


def test_without_a_table_it_says_so(ticking: Ticking) -> None:
    ticking.world.place.name = ""
    assert ticking.tick() == "Silent: no receipts table is named (BACKFILL_RECEIPTS_TABLE)"


def test_a_new_receipt_of_a_begun_wave_is_filled_and_one_of_a_later_wave_is_not(pilot: Ticking) -> None:
    pilot.world.prepare([*second_row(0), *second_row(7)])
    (request,) = pilot.tick()
    assert request.run_config == {
        "ops": {
            "receipts__receipt_places": {"config": {"apply": True, "fetch": True, "confirm": pilot.world.place.name}}
        }
    }
    assert pilot.ranges() == [("00", "00")]
    pilot.fill()
    assert "IMAGE#0052804b-2fad-4e00-92c8-b593da3a8ed3 RECEIPT#00002#PLACE" in pilot.world.stored()
    assert len(pilot.world.stored()) == 2
    assert "no gap in a released wave" in str(pilot.tick())


def test_a_receipt_whose_place_the_application_has_written_is_no_gap(pilot: Ticking) -> None:
    place = dict(pilot.world.stored()["IMAGE#0052804b-2fad-4e00-92c8-b593da3a8ed3 RECEIPT#00001#PLACE"])
    own = {**place, "SK": {"S": "RECEIPT#00002#PLACE"}, "receipt_id": {"N": "2"}, "reasoning": {"S": "live"}}
    pilot.world.prepare([*second_row(0), own])
    assert "no gap in a released wave" in str(pilot.tick())


def test_the_last_wave_comes_first_since_writing_voids_the_decisions_after_it(pilot: Ticking) -> None:
    assert pilot.world.run("01", "01").success
    pilot.world.release()
    pilot.world.prepare([*second_row(0), *second_row(1)])
    assert pilot.ranges() == [("01", "01")]
    pilot.fill()
    assert pilot.ranges() == [("00", "00")]
    pilot.fill()
    assert "no gap in a released wave" in str(pilot.tick())


def test_a_wave_that_is_released_no_longer_is_left_alone_with_the_reason(pilot: Ticking) -> None:
    assert pilot.world.run("01", "01").success
    pilot.world.release()
    pilot.world.prepare([*second_row(0)])
    pilot.fill()
    pilot.world.place.load(second_row(1))
    take_stock(pilot)
    said = str(pilot.tick())
    assert "no gap in a released wave" in said
    assert "is void: a bucket was written again or rolled back since" in said


def take_stock(ticking: Ticking) -> None:
    """Inventory and plan, as the job that the sensor asks for."""
    wanted = [*build_receipt_assets(), *build_migration_assets()]
    result = dg.materialize(
        wanted,
        selection=[INVENTORY, PLAN],
        instance=ticking.world.instance,
        resources=ticking.world.resources,
        run_config=QUIET,
        raise_on_error=False,
    )
    assert result.success, failure(result)


def test_a_stale_inventory_is_taken_again_first_and_once_an_hour(pilot: Ticking) -> None:
    """Yesterday's manifest does not know today's receipts."""
    pilot.world.place.load(second_row(0))
    pilot.later = timedelta(hours=25)
    with pilot.stopped_clock():
        (first,), (second,) = pilot.tick(), pilot.tick()
    assert (first.job_name, set(first.asset_selection)) == (REFRESH_JOB, {INVENTORY, PLAN})
    assert first.run_key == second.run_key, "a red inventory is not taken again every minute"
    take_stock(pilot)
    pilot.later = timedelta(0)
    assert pilot.ranges() == [("00", "00")]


def test_stock_is_taken_again_once_receipts_have_come_or_gone(pilot: Ticking) -> None:
    """A new receipt would otherwise wait a day for its place."""
    pilot.world.place.load(second_row(0))
    assert "no gap in a released wave" in str(pilot.tick())
    pilot.later = timedelta(minutes=20)
    (request,) = pilot.tick()
    assert isinstance(request, dg.RunRequest)
    assert request.job_name == REFRESH_JOB


def test_what_the_budget_does_not_pay_for_is_held_back_and_said(pilot: Ticking) -> None:
    """The one free call of the month is used up, and the budget is nothing."""
    pilot.world.prepare([*second_row(0, place_id=NEW_ID)])
    assert pilot.world.run("01", "01").success
    pilot.world.release()
    said = str(pilot.tick())
    assert said.startswith("Nothing to run.")
    assert "wave 1: 1 records without a place in 1 buckets, 0 calls" in said
    assert "1 buckets are held back: the month's budget of $ 0 does not pay for their calls, e.g. 00" in said
    assert pilot.world.places.asked[NEW_ID] == 0
    pilot.world.choices["budget_usd"] = "1"
    assert pilot.ranges() == [("00", "00")]


def test_a_bucket_that_was_parked_is_taken_up_after_the_quota_reset(pilot: Ticking) -> None:
    pilot.world.choices |= {"budget_usd": "5"}
    pilot.world.places.script[NEW_ID] = QUOTA
    pilot.world.prepare([*second_row(0, place_id=NEW_ID)])
    assert not pilot.world.run("00", "00").success
    (parked,) = [entry for entry in pilot.world.entries().values() if entry.reason == "parked_quota"]
    assert "1 waiting for upstream or gate" in str(pilot.tick())
    pilot.later = quota_reset(datetime.fromisoformat(parked.at)) - datetime.now(UTC) + timedelta(seconds=1)
    assert pilot.ranges() == [("00", "00")]


def test_what_was_rolled_back_waits_for_a_person(pilot: Ticking) -> None:
    """A sensor that writes again what somebody has just taken back is a fight."""
    (run_id,) = pilot.world.ledger.runs()
    request = Request(run_id=run_id, apply=True, accept_stream_events=1)
    run = pilot.world.instance.add_run(dg.DagsterRun(job_name="x", status=dg.DagsterRunStatus.STARTED))
    assert RollbackWork(SimpleNamespace(**pilot.world.resources), request).apply(pilot.world.instance, run).is_green
    pilot.world.instance.report_run_canceled(run)
    assert not pilot.world.stored()
    pilot.world.release()
    assert "no wave was begun" in str(pilot.tick())
    assert pilot.world.run("01", "01").success
    pilot.world.release()
    assert "1 buckets are rolled back and wait for a person" in str(pilot.tick())


@pytest.mark.parametrize("key", [PLACES, INVENTORY, PLAN], ids=["places", "inventory", "plan"])
def test_it_is_silent_while_others_work_on_the_same(pilot: Ticking, key: dg.AssetKey) -> None:
    pilot.world.prepare([*second_row(0)])
    tags = {ASSET_TAG: key.to_user_string()}
    run = dg.DagsterRun(job_name="__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, tags=tags)
    pilot.world.instance.add_run(run)
    assert str(pilot.tick()).startswith(f"Silent: run {run.run_id} of the same assets is started")


def test_other_settings_than_the_reviewed_ones_silence_it(pilot: Ticking) -> None:
    """A person reviews a plan; a sensor must not make one for other choices."""
    pilot.world.choices["enrich_stubs"] = True
    assert "settings_digest changed since" in str(pilot.tick())


@pytest.mark.parametrize(
    ("parked", "reset"),
    [
        ("2026-01-05T12:00:00+00:00", "2026-01-06T08:00:00+00:00"),
        ("2026-01-06T07:59:00+00:00", "2026-01-06T08:00:00+00:00"),
        ("2026-03-08T09:00:00+00:00", "2026-03-09T07:00:00+00:00"),
        ("2026-11-01T08:00:00+00:00", "2026-11-02T08:00:00+00:00"),
    ],
    ids=["noon", "before-midnight", "spring", "autumn"],
)
def test_the_daily_quota_begins_anew_at_midnight_of_google(parked: str, reset: str) -> None:
    assert quota_reset(datetime.fromisoformat(parked)) == datetime.fromisoformat(reset)
