"""The gap sensor of the promotion, ticked on real files and a real table: what it asks for, what it leaves alone."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.gap_sensor import REFRESH_JOB, build_promotion_gap_sensor
from backfill_pipelines.receipts.promotion.inventory_assets import EXPORT_INVENTORY, build_export_inventory
from backfill_pipelines.receipts.promotion.plan_asset import PROMOTION_PLAN, build_promotion_plan
from backfill_pipelines.receipts.promotion.promotion_assets import build_promoted_images
from backfill_pipelines.receipts.promotion.promotion_context import RESOURCES
from backfill_pipelines.runner import QUIET
from backfill_pipelines.settings import read_settings
from backfill_pipelines_tests.receipts.promotion.copy_world import image, wide_export
from backfill_pipelines_tests.receipts.promotion.desk import Desk
from backfill_pipelines_tests.receipts.promotion.undo_world import IMAGE_ROW, undone
from backfill_pipelines_tests.receipts.stoppable_clock import StoppableClock


@dataclass
class Ticking(StoppableClock):
    """A desk, and the sensor that watches it."""

    desk: Desk
    instance: dg.DagsterInstance
    assets: list[dg.AssetsDefinition] = field(
        default_factory=lambda: [build_export_inventory(), build_promotion_plan(), build_promoted_images()]
    )

    def tick(self) -> list[dg.RunRequest] | str:
        """The runs that a tick asks for, or why it asks for none."""
        sensor = build_promotion_gap_sensor(self.now)
        with self._resources() as resources:
            repository = dg.Definitions(self.assets, sensors=[sensor], resources=resources).get_repository_def()
            needed = {name: resources[name] for name in RESOURCES}
            with dg.build_sensor_context(self.instance, repository_def=repository, resources=needed) as context:
                found = repository.get_sensor_def(sensor.name).evaluate_tick(context)
        return list(found.run_requests or []) or str(found.skip_message)

    def requests(self) -> list[dg.RunRequest]:
        """The runs of a tick that has some."""
        found = self.tick()
        assert not isinstance(found, str), found
        return found

    def fill(self) -> None:
        """Do what the sensor asks for, as the daemon would."""
        for request in self.requests():
            wanted = set(request.asset_selection or ())
            with self._resources() as resources:
                result = dg.materialize(
                    [asset for asset in self.assets if asset.key in wanted],
                    instance=self.instance,
                    resources=resources,
                    tags=request.tags,
                    run_config={**QUIET, **request.run_config},
                    raise_on_error=False,
                )
            assert result.success, [event.message for event in result.all_events if event.is_step_failure]

    @contextmanager
    def _resources(self) -> Iterator[dict[str, Any]]:
        resources = build_all_resources(read_settings())
        try:
            yield resources
        finally:
            resources["control"].close()


@pytest.fixture
def ticking(desk: Desk) -> Iterator[Ticking]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Ticking(desk, instance)


def test_it_is_stopped_until_somebody_starts_it() -> None:
    assert build_promotion_gap_sensor().default_status is dg.DefaultSensorStatus.STOPPED


def test_without_a_target_or_a_plan_it_says_so(ticking: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    ticking.desk.export(1)
    assert "has no plan; that is for a person to begin" in str(ticking.tick())
    monkeypatch.delenv("BACKFILL_PROMOTION_TARGET_TABLE")
    assert str(ticking.tick()).startswith("Silent: ")


def test_a_new_export_is_taken_stock_of_planned_and_copied(ticking: Ticking) -> None:
    desk = ticking.desk
    desk.copied(1)
    assert "0 of 1 images are not, or not whole" in str(ticking.tick())
    desk.export(2)
    with ticking.stopped_clock():
        (stock,), (again,) = ticking.requests(), ticking.requests()
    assert (stock.job_name, stock.asset_selection) == (REFRESH_JOB, [EXPORT_INVENTORY, PROMOTION_PLAN])
    assert stock.run_key is not None
    assert stock.run_key == again.run_key, "an inventory that is red is asked for once an hour"
    ticking.fill()
    (copy,) = ticking.requests()
    assert copy.tags["dagster/asset_partition_range_start"] == "02"
    assert copy.tags["dagster/asset_partition_range_end"] == "02"
    ticking.fill()
    assert IMAGE_ROW in desk.target.partition(2)
    assert "0 of 2 images are not, or not whole" in str(ticking.tick())


def test_an_image_that_is_half_there_is_brought_to_its_end(ticking: Ticking) -> None:
    desk = ticking.desk
    desk.copied(1, 2)
    whole = desk.target.digests()
    desk.target.store.delete({"PK": {"S": f"IMAGE#{image(2)}"}, "SK": {"S": IMAGE_ROW}})
    ticking.fill()
    assert desk.target.digests() == whole
    assert "0 of 2 images are not, or not whole" in str(ticking.tick())


def test_what_was_rolled_back_or_set_aside_waits_for_a_person(ticking: Ticking) -> None:
    """A sensor that copies what a person has just taken back cannot be worked with."""
    desk = ticking.desk
    undone(desk.target, desk.copied(1, 2))
    found = str(ticking.tick())
    assert "0 of 2 images are not, or not whole" in found
    assert "2 images were set aside or rolled back and wait for a person" in found


def test_a_full_backlog_keeps_it_silent(ticking: Ticking, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = ticking.desk
    desk.copied(1)
    desk.export(2)
    ticking.fill()
    monkeypatch.setenv("BACKFILL_PROMOTION_EMBEDDING_BACKLOG_LIMIT", "5")
    found = str(ticking.tick())
    assert found.startswith("Silent: 1 of 2 images are not, or not whole")
    assert "backfill promote embed --apply" in found


def test_of_a_production_table_it_takes_the_inventory_and_leaves_the_plan_to_a_person(
    ticking: Ticking, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = ticking.desk
    desk.copied(1)
    monkeypatch.setenv("BACKFILL_PRODUCTION_TABLES", json.dumps([desk.target.table]))
    desk.export(2)
    (stock,) = ticking.requests()
    assert stock.asset_selection == [EXPORT_INVENTORY]
    ticking.fill()
    assert "a person reviews it" in str(ticking.tick())
    fingerprint = desk.planned()
    (copy,) = ticking.requests()
    said = copy.run_config["ops"]["promotion__promoted_images"]["config"]
    assert said == {"apply": True, "confirm": desk.target.table, "fingerprint": fingerprint}
    ticking.fill()
    assert IMAGE_ROW in desk.target.partition(2)


def test_an_image_that_cannot_be_promoted_is_no_gap(ticking: Ticking) -> None:
    desk = ticking.desk
    desk.copied(1)
    foreign = wide_export(2, 5)
    foreign["ocr_jobs"][0]["s3_bucket"] = "somebody-elses"
    (desk.exports / f"{image(2)}.json").write_text(json.dumps(foreign))
    ticking.fill()
    assert "0 of 1 images are not, or not whole" in str(ticking.tick())
