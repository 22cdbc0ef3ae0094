"""The write protocol on the embedded server with faults on the way: lost replies, races, throttles, checkpoints."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.bucket_writing import BucketWriter, Written, select
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, RecordLedger
from backfill_pipelines.receipts.manifest import Row
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.put_records import RecordPutter
from backfill_pipelines.receipts.record_preparing import Answer, Preparing
from backfill_pipelines.receipts.stop_rules import StopRules
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_pacing import WritePacer
from backfill_pipelines.stores.item_errors import AccessDenied
from backfill_pipelines_tests.receipts.builders import PLACE_ID, RUN, answer
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image, receipt_of, row_of
from backfill_pipelines_tests.receipts.test_receipt_places import place_of
from backfill_pipelines_tests.receipts.writing_world import outcomes
from backfill_pipelines_tests.stores.item_servers import Faults, connected

PLAN = "plan-20260105-0001"


class Known:
    """Answers of a dictionary."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers

    def of(self, place_ids: Sequence[str]) -> Mapping[str, Answer]:
        return {place_id: self.answers[place_id] for place_id in place_ids if place_id in self.answers}


@dataclass
class Bench:
    """One table, one ledger, a writer whose puts go through a client with faults."""

    place: ReceiptsPlace
    ledger: RecordLedger
    answers: dict[str, Answer] = field(default_factory=lambda: {PLACE_ID: Answer(answer())})
    waits: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=lambda: [0.0])
    #: What the last run has told.
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connect()

    def connect(self) -> None:
        """A client without faults yet."""
        wire = connected(self.place.endpoint)
        self.faults = Faults(wire)
        self.store = DynamoItemStore(self.place.name, connected(self.place.endpoint), wire)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time[0] += seconds

    def write(
        self,
        rows: Sequence[Row],
        *,
        batch: int = 50,
        run_id: str = RUN,
        rules: StopRules | None = None,
        workers: int = 4,
    ) -> Written:
        known = self.entries()
        pacer = WritePacer(
            {"": 1e6}, share=1.0, clock=lambda: self.time[0], sleep=self.sleep, uniform=lambda _, most: most
        )
        putter = RecordPutter(self.store, pacer, workers=workers, sleep=self.sleep)
        writer = BucketWriter(
            ledger=self.ledger,
            objects=self.place.objects,
            preparing=Preparing(self.store, Known(self.answers), run_id),
            putter=putter,
            rules=rules or StopRules(),
            log=self.told.append,
        )
        try:
            return writer.write(select(rows, known).work, known, batch)
        finally:
            putter.close()

    def entries(self) -> dict[RecordKey, Entry]:
        return self.ledger.entries()

    def count(self) -> int:
        return sum(item["SK"]["S"].endswith("#PLACE") for page in self.place.store.scan() for item in page.items)


@pytest.fixture
def bench(receipts: ReceiptsPlace, tmp_path: Path) -> Iterator[Bench]:
    control = ControlStore(url=f"sqlite:///{tmp_path / 'control.db'}")
    yield Bench(receipts, RecordLedger(control, PLAN))
    control.close()


def load(bench: Bench, *numbers: int, existing: str = "none", **changes: Any) -> list[Row]:
    """Metadata rows in the table, and the manifest rows that an inventory would have made."""
    bench.place.load([item for n in numbers for item in (row_of(n, **changes), receipt_of(n))])
    place_id = changes.get("place_id", PLACE_ID)
    return [Row(image(n), 1, f"{n:02x}", place_id, True, "eligible", "", existing, ()) for n in numbers]


def test_a_lost_reply_is_found_in_the_table_and_created_once(bench: Bench) -> None:
    rows = load(bench, 1)
    bench.faults.lose_reply("PutItem")
    bench.faults.listen("PutItem")
    bench.write(rows)
    (entry,) = bench.entries().values()
    assert (entry.outcome, entry.detail) == (Outcome.CREATED, "the reply was lost")
    assert bench.count() == 1


def test_a_reply_that_is_lost_before_the_put_was_applied_is_put_again(bench: Bench) -> None:
    rows = load(bench, 1)
    bench.faults.answer("PutItem", "InternalServerError", times=2, status=500)
    bench.write(rows)
    assert outcomes(bench.entries().values()) == {"created": 1}


def test_a_server_that_never_answers_is_a_write_error_of_that_record(bench: Bench) -> None:
    rows = load(bench, 1)
    bench.faults.answer("PutItem", "InternalServerError", status=500)
    bench.write(rows)
    assert outcomes(bench.entries().values()) == {"failed write_error": 1}
    assert bench.write([*rows]).stop == ""


def test_a_live_dual_write_between_intent_and_put_stays_as_it_is(bench: Bench) -> None:
    rows = load(bench, 1, 2)
    live = place_of(1)
    original = bench.ledger.intend

    def late(*arguments: Any) -> None:
        original(*arguments)
        bench.place.load([live])

    bench.ledger.intend = late  # type: ignore[method-assign]
    bench.write(rows)
    assert outcomes(bench.entries().values()) == {"existing existing": 1, "created": 1}
    assert bench.place.store.get({name: live[name] for name in ("PK", "SK")}) == live


def test_throttled_writes_wait_and_are_written(bench: Bench) -> None:
    rows = load(bench, 1, 2, 3)
    hot = {"resource": f"arn:aws:dynamodb:x:1:table/{bench.place.name}/index/GSI3"}
    body = json.dumps({"__type": "x#ThrottlingException", "message": "hot", "throttlingReasons": [hot]})
    bench.faults.answer("PutItem", "ThrottlingException", times=2, body=body)
    written = bench.write(rows, workers=1)
    assert outcomes(bench.entries().values()) == {"created": 3}
    assert sum(bench.waits) > 0
    first, second, sample = bench.told
    assert first.startswith("throttled: GSI3 refused a write; 1,000,000.0 -> 500,000.0 write units a second")
    assert "500,000.0 -> 250,000.0" in second
    assert "2 throttles, 0 API errors" in sample
    assert (written.throttles, written.refused_puts) == (2, 2)


@pytest.mark.parametrize("batch", [2, 50])
def test_ten_minutes_of_throttling_end_the_run_and_the_next_one_goes_on(bench: Bench, batch: int) -> None:
    rows = load(bench, *range(1, 7))
    bench.faults.answer("PutItem", "ThrottlingException", times=40)
    written = bench.write(rows, batch=batch, workers=1)
    assert written.stop == "throttled"
    assert "by the table or one of its indexes, at " in written.stop_detail
    assert set(outcomes(bench.entries().values())) == {"failed throttled"}
    assert bench.time[0] >= 600
    bench.connect()
    bench.write(rows)
    assert outcomes(bench.entries().values()) == {"created": 6}


def test_rights_that_are_missing_are_no_records_outcome(bench: Bench) -> None:
    rows = load(bench, 1, 2)
    bench.faults.answer("PutItem", "AccessDeniedException", times=2)
    with pytest.raises(AccessDenied):
        bench.write(rows)
    assert {entry.outcome for entry in bench.entries().values()} == {None}
    bench.write(rows, run_id="rp-20260105-0002")
    assert outcomes(bench.entries().values()) == {"created": 2}


def test_a_record_that_the_store_refuses_is_set_aside_alone(bench: Bench) -> None:
    rows = load(bench, 1, 2)
    bench.faults.answer("PutItem", "ValidationException", times=1)
    bench.write(rows, workers=1)
    assert outcomes(bench.entries().values()) == {"quarantined invalid_item": 1, "created": 1}


def test_an_intent_whose_item_is_there_is_settled_for_the_run_that_put_it(bench: Bench) -> None:
    rows = load(bench, 1, 2)
    settle = bench.ledger.settle
    bench.ledger.settle = lambda *_: (_ for _ in ()).throw(KeyboardInterrupt())  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        bench.write(rows)
    bench.ledger.settle = settle  # type: ignore[method-assign]
    assert bench.count() == 2
    bench.faults.listen("PutItem")
    bench.write(rows, run_id="rp-20260105-0002")
    assert [(e.outcome, e.run_id) for e in bench.entries().values()] == [(Outcome.CREATED, RUN)] * 2
    assert bench.faults.sent == []


def test_a_ratio_that_is_proven_too_high_stops_at_the_next_checkpoint(bench: Bench) -> None:
    rows = load(bench, *range(20))
    bench.answers = {PLACE_ID: Answer(None, Reason.OBSOLETE_ID)}
    written = bench.write(rows, batch=5)
    assert written.stop == "ratio"
    assert written.stop_detail.startswith("metadata_without_place_ratio FAIL: ")
    assert 0 < len(bench.entries()) < 20


def test_a_row_with_another_place_id_than_in_the_manifest_waits_for_a_run_that_may_ask(bench: Bench) -> None:
    rows = load(bench, 1)
    bench.place.load([row_of(1, place_id="ChIJ-a-new-place-id")])
    written = bench.write(rows)
    assert list(written.unanswered.values()) == ["ChIJ-a-new-place-id"]
    assert bench.entries() == {}


def test_the_next_batch_is_prepared_while_the_puts_of_this_one_are_under_way(bench: Bench) -> None:
    """The server should be what limits a run, so reading and building must not wait for it."""
    rows = load(bench, *range(4))
    seen, prepared = threading.Event(), threading.Event()
    batch_get, put = bench.store.batch_get, bench.store.put

    def reading(keys: Any) -> Any:
        if seen.is_set():
            prepared.set()
        return batch_get(keys)

    def putting(item: Any, when: Any = None) -> Any:
        seen.set()
        return put(item, when)

    bench.store.batch_get, bench.store.put = reading, putting  # type: ignore[method-assign]
    bench.write(rows, batch=1)
    assert prepared.is_set()
    assert outcomes(bench.entries().values()) == {"created": 4}
