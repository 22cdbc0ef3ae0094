"""What a person finds in the UI: plan, report, jobs, and what they show."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.definitions import build_defs
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.jobs import REPAIR_JOB, ROLLBACK_JOB
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.receipts.promotion.report_asset import build_promotion_report
from backfill_pipelines.runner import QUIET, open_instance
from backfill_pipelines.settings import read_settings
from backfill_pipelines_tests.receipts.promotion.copy_world import image
from backfill_pipelines_tests.receipts.promotion.desk import Desk
from backfill_pipelines_tests.receipts.promotion.undo_world import IMAGE_ROW

GROUP = {"export_inventory", "promoted_images", "embeddings", "promotion_plan", "promotion_report"}


@pytest.fixture
def instance(desk: Desk) -> Iterator[dg.DagsterInstance]:
    assert desk
    with open_instance(read_settings()) as found:
        yield found


@contextmanager
def resources_of(needed: set[str]) -> Iterator[dict[str, Any]]:
    found = build_all_resources(read_settings())
    try:
        yield {name: one for name, one in found.items() if name in needed}
    finally:
        found["control"].close()


def launched(instance: dg.DagsterInstance, name: str, **config: Any) -> dg.ExecuteInProcessResult:
    """One job as the UI launches it."""
    job = build_defs(read_settings()).get_repository_def().get_job(name)
    op = next(iter(job.nodes)).name
    return job.execute_in_process(
        run_config={**QUIET, "ops": {op: {"config": config}}}, instance=instance, raise_on_error=False
    )


def green(instance: dg.DagsterInstance, bucket: str) -> bool | None:
    check = dg.AssetCheckKey(PROMOTED_IMAGES, READ_BACK_GATE)
    return latest_verdicts(instance, [check])[check].get(bucket)


def test_the_group_is_one_lineage_and_every_job_says_what_it_does() -> None:
    definitions = build_defs(read_settings())
    specs = {
        spec.key.path[-1]: spec
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
        if spec.group_name == "receipts_promotion"
    }
    assert specs.keys() == GROUP
    deps = {name: {dep.asset_key.path[-1] for dep in spec.deps} for name, spec in specs.items()}
    assert deps["promoted_images"] >= {"export_inventory"}
    assert deps["embeddings"] >= {"promoted_images"}
    assert deps["promotion_report"] == {"promoted_images", "embeddings"}
    repository = definitions.get_repository_def()
    for name in (ROLLBACK_JOB, REPAIR_JOB):
        assert repository.get_job(name).description
    sensor = repository.get_sensor_def("promotion_gap_sensor")
    assert sensor.default_status is dg.DefaultSensorStatus.STOPPED


def test_a_rollback_shows_first_and_then_turns_the_bucket_red(desk: Desk, instance: dg.DagsterInstance) -> None:
    run_id = desk.copied(1)
    assert green(instance, "01") is True
    assert launched(instance, ROLLBACK_JOB, run_id=run_id).success
    assert IMAGE_ROW in desk.target.partition(1)
    refused = launched(instance, ROLLBACK_JOB, run_id=run_id, apply=True)
    assert not refused.success
    assert launched(instance, ROLLBACK_JOB, run_id=run_id, apply=True, accept_stream_events=2).success
    assert desk.target.digests() == {}
    assert green(instance, "01") is False


def test_one_image_is_repaired_in_a_run_of_its_own(desk: Desk, instance: dg.DagsterInstance) -> None:
    desk.copied(1)
    whole = desk.target.digests()
    desk.target.store.delete({"PK": {"S": f"IMAGE#{image(1)}"}, "SK": {"S": IMAGE_ROW}})
    assert launched(instance, REPAIR_JOB, image_id=image(1)).success, "a look"
    assert IMAGE_ROW not in desk.target.partition(1)
    assert launched(instance, REPAIR_JOB, image_id=image(1), apply=True).success
    assert desk.target.digests() == whole
    assert not launched(instance, REPAIR_JOB, image_id="x", apply=True).success


def test_a_red_report_still_says_everything(desk: Desk, instance: dg.DagsterInstance) -> None:
    desk.copied(1, 2)
    desk.target.store.delete({"PK": {"S": f"IMAGE#{image(1)}"}, "SK": {"S": IMAGE_ROW}})
    report = build_promotion_report()
    with resources_of({*report.required_resource_keys}) as resources:
        result = dg.materialize(
            [report], instance=instance, resources=resources, run_config=QUIET, raise_on_error=False
        )
    assert not result.success
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    shown = failed.step_failure_data.user_failure_data
    assert shown is not None
    assert f"{image(1)} partial" in str(shown.metadata["promotion/images"].value)
    assert "data:image/png;base64," in str(shown.metadata["promotion/picture"].value)
    assert shown.metadata["promotion/next"].value == "backfill promote run --apply"
    passed = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert passed["every_image_is_whole"] is False
    assert passed["no_dev_buckets"] is True
