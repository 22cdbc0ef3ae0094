"""The jobs of the UI on a real table: they show first, write when told to, and fail with the command that repairs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.definitions import build_defs
from backfill_pipelines.receipts.decision_records import latest_decision
from backfill_pipelines.receipts.decisions import WaveNotReleased, require_released
from backfill_pipelines.receipts.jobs import DECIDE_JOB, REPAIR_JOB, ROLLBACK_JOB, build_jobs
from backfill_pipelines.receipts.migration_assets import PLACES
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.verification import load_audit, save_verification, verify
from backfill_pipelines.receipts.verification_asset import stores_of
from backfill_pipelines.settings import Settings
from backfill_pipelines_tests.receipts.receipt_tables import image, receipt_of, row_of
from backfill_pipelines_tests.receipts.writing_world import QUIET, World, failure, world


@pytest.fixture
def made(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    with world(ministack_endpoint, ministack_state, tmp_path) as found:
        found.prepare([item for n in range(8) for item in (row_of(n), receipt_of(n))])
        yield found


def launch(made: World, name: str, **config: Any) -> dg.ExecuteInProcessResult:
    """A job as the launchpad of the UI starts it."""
    (job,) = [found for found in build_jobs() if found.name == name]
    (op,) = job.nodes
    return job.execute_in_process(
        run_config={**QUIET, "ops": {op.name: {"config": config}}},
        instance=made.instance,
        resources=made.resources,
        raise_on_error=False,
    )


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (event,) = [found for found in result.all_events if found.event_type_value == "STEP_OUTPUT"]
    return {name: value.value for name, value in event.step_output_data.metadata.items()}


def verdict(made: World, bucket: str) -> bool | None:
    check = dg.AssetCheckKey(PLACES, READ_BACK_GATE)
    return latest_verdicts(made.instance, [check])[check].get(bucket)


def run_id(made: World) -> str:
    (found,) = made.ledger.runs()
    return found


def test_every_job_is_in_the_ui_and_says_what_it_does() -> None:
    repository = build_defs(Settings()).get_repository_def()
    for name in (DECIDE_JOB, ROLLBACK_JOB, REPAIR_JOB):
        assert repository.get_job(name).description
    assert repository.get_sensor_def("receipts_gap_sensor").default_status is dg.DefaultSensorStatus.STOPPED


def test_a_rollback_shows_first_and_then_takes_the_run_back(made: World) -> None:
    made.run("00", "01")
    assert verdict(made, "00")
    preview = launch(made, ROLLBACK_JOB, run_id=run_id(made))
    assert preview.success
    assert shown(preview)["receipts/stream_messages_to_come"] == 2
    assert len(made.stored()) == 2

    done = launch(made, ROLLBACK_JOB, run_id=run_id(made), apply=True, accept_stream_events=2)
    assert done.success, failure(done)
    assert shown(done)["receipts/states"]["deleted"] == 2
    assert not made.stored()
    assert verdict(made, "00") is False


def test_after_a_rollback_the_records_are_taken_up_again_and_the_bucket_is_green_again(made: World) -> None:
    made.run("00", "01")
    before = made.digests()
    assert launch(made, ROLLBACK_JOB, run_id=run_id(made), apply=True, accept_stream_events=2).success
    made.release()
    again = made.run("00", "01")
    assert again.success, failure(again)
    assert made.digests() == before
    assert verdict(made, "00")
    assert sum(made.places.asked.values()) == 1, "the answer was in the cache"


def test_a_rollback_voids_the_decision_on_its_wave(made: World) -> None:
    made.run("00", "00")
    made.release()
    require_released(made.place.objects, made.ledger, made.plan, 2)
    assert launch(made, ROLLBACK_JOB, run_id=run_id(made), apply=True, accept_stream_events=1).success
    with pytest.raises(WaveNotReleased, match="is void: a bucket was written again or rolled back since"):
        require_released(made.place.objects, made.ledger, made.plan, 2)


def test_a_refused_rollback_fails_with_what_to_do(made: World) -> None:
    made.run("00", "00")
    refused = launch(made, ROLLBACK_JOB, run_id=run_id(made), apply=True)
    assert not refused.success
    assert "--accept-stream-events 1" in failure(refused)
    assert len(made.stored()) == 1


def test_a_wave_is_decided_on_its_verification(made: World) -> None:
    made.run("00", "00")
    unverified = launch(made, DECIDE_JOB, wave=1, decision="proceed", who="Ada", reason="looks good")
    assert not unverified.success
    assert "backfill receipts verify --wave 1" in failure(unverified)

    stores = stores_of(_Named(made.resources))
    save_verification(made.place.objects, made.plan, verify(stores, load_audit(stores, made.plan, 1)))
    decided = launch(
        made,
        DECIDE_JOB,
        wave=1,
        decision="proceed",
        who="Ada",
        reason="looks good",
        accept_need_more_data="a pilot of one record",
    )
    assert decided.success, failure(decided)
    assert shown(decided)["receipts/decision"] == "proceed"
    recorded = latest_decision(made.place.objects, made.plan.plan_id, "1")
    assert recorded is not None
    assert (recorded.who, recorded.reason) == ("Ada", "looks good")
    require_released(made.place.objects, made.ledger, made.plan, 2)


def test_an_unknown_decision_names_the_known_ones(made: World) -> None:
    refused = launch(made, DECIDE_JOB, wave=1, decision="yes", who="Ada", reason="so")
    assert "'yes' is no decision. Repair: proceed, hold, rollback" in failure(refused)


def test_one_record_is_repaired_and_its_bucket_judged(made: World) -> None:
    made.run("00", "00")
    made.place.store.delete(table_key(image(0), 1))
    (key,) = [found for found in made.entries() if found.image_id == image(0)]
    made.ledger.forget([key])
    looked = launch(made, REPAIR_JOB, image_id=image(0), receipt_id=1)
    assert looked.success, failure(looked)
    assert not made.stored(), "a dry run until it is told to write"

    repaired = launch(made, REPAIR_JOB, image_id=image(0), receipt_id=1, apply=True)
    assert repaired.success, failure(repaired)
    assert len(made.stored()) == 1
    assert verdict(made, "00")
    assert made.instance.get_run_by_id(shown(repaired)["receipts/dagster_run"]) is not None


def test_a_repair_that_is_refused_says_why(made: World) -> None:
    made.run("00", "00")
    refused = launch(made, REPAIR_JOB, image_id=image(1), receipt_id=1, apply=True, fetch=True)
    assert "wave 2 of" in failure(refused)
    assert "is not released" in failure(refused)
    assert "is no image id" in failure(launch(made, REPAIR_JOB, image_id="x", receipt_id=1))


class _Named:
    """Resources by attribute, as a run has them."""

    def __init__(self, resources: dict[str, Any]) -> None:
        self.__dict__.update(resources)
