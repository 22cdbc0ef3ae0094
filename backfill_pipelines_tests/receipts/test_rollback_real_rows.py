"""The real rows, written by the real assets and taken back: the acceptance numbers of the specification."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from backfill_pipelines.receipts.items import item_digest
from backfill_pipelines.receipts.rollback_run import Report, Request, RollbackWork
from backfill_pipelines.receipts.try_out import seed_items
from backfill_pipelines_tests.receipts.fake_places import FakePlaces, refusal
from backfill_pipelines_tests.receipts.real_rows import CORRUPT_ID, DATA, needs_real_rows, sample
from backfill_pipelines_tests.receipts.stream_meter import StreamMeter
from backfill_pipelines_tests.receipts.writing_world import World, failure, world

pytestmark = needs_real_rows


@pytest.fixture
def made(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    """All waves written: 87 places, one place id that Google does not know."""
    places = FakePlaces({place_id: sample().answer(place_id, "echo") for place_id in sample().place_ids})
    message = f"Not a valid Place ID: {CORRUPT_ID}"
    places.script[CORRUPT_ID] = refusal(400, "INVALID_ARGUMENT", message)
    with world(ministack_endpoint, ministack_state, tmp_path, places) as found:
        found.prepare(seed_items(DATA / "receipt_metadatas.jsonl")[1])
        for wave in found.plan.waves:
            result = found.run(wave.first_bucket, wave.last_bucket, origin="one backfill")
            assert result.success, failure(result)
            found.release()
        assert len(found.stored()) == 87
        yield found


def roll_back(made: World, accept: int | None = None) -> Report:
    (run_id,) = made.ledger.runs()
    resources = SimpleNamespace(**made.resources)
    accept = RollbackWork(resources, Request(run_id)).preview().events_to_come if accept is None else accept
    run = made.instance.add_run(dg.DagsterRun(job_name="receipts_rollback", status=dg.DagsterRunStatus.STARTED))
    work = RollbackWork(resources, Request(run_id, apply=True, accept_stream_events=accept, asked_by="a test"))
    report = work.apply(made.instance, run)
    made.instance.report_run_canceled(run)
    return report


def metadata(made: World) -> dict[str, str]:
    pages = made.place.store.scan()
    items = [item for page in pages for item in page.items if item["SK"]["S"].endswith("#METADATA")]
    return {item["PK"]["S"]: item_digest(item) for item in items}


def test_one_of_87_changed_by_others_86_deleted_and_the_same_records_come_again(made: World) -> None:
    rows, content, meter = metadata(made), made.digests(), StreamMeter(made.place)
    assert meter.messages() == 0, "an insert run sends nothing"
    name, item = next(iter(made.stored().items()))
    made.place.store.put({**item, "phone_number": {"S": "020 7946 0000"}})
    changed_by_others = meter.messages()

    report = roll_back(made)
    assert {state: n for state, n in report.states.items() if n} == {"deleted": 86, "changed_since": 1}
    assert report.is_green, [gate.lines for gate in report.gates]
    (skipped,) = report.preview.skipped
    (change,) = skipped.changes
    assert (change.field, change.now) == ("phone_number", '"020 7946 0000"')
    assert list(made.stored()) == [name]
    assert metadata(made) == rows
    assert meter.messages() == changed_by_others + 86
    settled = {entry.outcome for entry in made.entries().values()}
    assert {str(outcome) for outcome in settled} == {"created", "quarantined"}, "the quarantined one stays settled"

    made.release()
    pilot = made.plan.waves[0]
    assert made.run(pilot.first_bucket, pilot.last_bucket).success
    again = made.digests()
    assert len(again) == 5
    assert {key: content[key] for key in again if key != name} == {key: again[key] for key in again if key != name}
