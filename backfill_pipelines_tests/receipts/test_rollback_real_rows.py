"""The 87 places of the real rows, taken back with one of them changed by others: the specification's numbers."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.ledger import Intent, Settlement
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.places_cache import OK, Entry, PlacesCache
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.receipts.provenance import content_digest
from backfill_pipelines.receipts.try_out import seed_items
from backfill_pipelines_tests.receipts.builders import RUN
from backfill_pipelines_tests.receipts.real_rows import CORRUPT_ID, DATA, needs_real_rows, sample
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace
from backfill_pipelines_tests.receipts.stream_meter import StreamMeter
from backfill_pipelines_tests.receipts.written_runs import WrittenRun

pytestmark = needs_real_rows


@pytest.fixture
def run(receipts: ReceiptsPlace) -> Iterator[WrittenRun]:
    """The places that the full run writes, its ledger and its cached answers; one record is quarantined."""
    with dg.DagsterInstance.ephemeral() as instance:
        made = WrittenRun(receipts, instance)
        receipts.load(seed_items(DATA / "receipt_metadatas.jsonl")[1])
        made.plan_anew()
        for place_id in sample().place_ids:
            body = sample().answer(place_id, "echo")
            mask, at = field_mask(Tier.FULL), datetime.now(UTC).isoformat()
            entry = Entry(place_id, OK, at, "full", mask, 200, place_id, digest_of(body), body=body)
            PlacesCache(receipts.objects).write(entry)
        yield made
        made.control.close()


def write(run: WrittenRun) -> None:
    places = sample().places("echo")
    run.ledger.run_of("a backfill", RUN)
    intents = [Intent(p.place.key, p.place.place_id, "create", content_digest(p.item)) for p in places]
    run.ledger.intend(RUN, intents)
    run.store.batch_write([p.item for p in places])
    run.ledger.settle(RUN, [Settlement(one.key, one.place_id, Outcome.CREATED) for one in intents])
    (corrupt,) = [row for row in sample().eligible if row.place_id == CORRUPT_ID]
    set_aside = Settlement(corrupt.key, CORRUPT_ID, Outcome.QUARANTINED, str(Reason.MALFORMED_ID))
    run.ledger.settle(RUN, [set_aside])


def test_86_are_deleted_and_the_one_that_others_changed_is_kept_with_its_difference(run: WrittenRun) -> None:
    before, meter = run.content, StreamMeter(run.place)
    write(run)
    assert meter.messages() == 0, "an insert run sends nothing"
    changed = sample().places("echo")[-1].place
    key = table_key(changed.image_id, changed.receipt_id)
    run.store.put({**(run.store.get(key) or {}), "phone_number": {"S": "020 7946 0000"}})
    kept = run.content
    assert meter.messages() == 1

    report = run.roll_back(accept=86)
    assert {state: n for state, n in report.states.items() if n} == {"deleted": 86, "changed_since": 1}
    assert report.is_green, [gate.lines for gate in report.gates]
    (skipped,) = report.preview.skipped
    (change,) = skipped.changes
    assert (skipped.key, change.field, change.now) == (changed.key, "phone_number", '"020 7946 0000"')
    name = (key["PK"]["S"], key["SK"]["S"])
    assert run.content == before | {name: kept[name]}, "metadata and receipts included"
    assert meter.messages() == 87
    left = [(entry.key, str(entry.outcome)) for entry in run.ledger.entries().values()]
    assert sorted(outcome for _, outcome in left) == ["created", "quarantined"]

    assert run.roll_back(accept=86).is_green
    assert run.content == before | {name: kept[name]}
    assert meter.messages() == 87


def test_all_87_are_gone_when_nobody_changed_them(run: WrittenRun) -> None:
    before = run.content
    write(run)
    assert run.roll_back(accept=87).is_green
    assert run.content == before
