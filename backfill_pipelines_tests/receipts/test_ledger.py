"""The record ledger: intents and outcomes whole or not at all, one run an origin, nothing of an earlier row left."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import RECORDS, Entry, Intent, RecordLedger, Settlement
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines_tests.receipts.builders import PLACE_ID, RUN
from backfill_pipelines_tests.receipts.receipt_tables import image

ASK = """
import sys
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.stores.control import ControlStore
store = ControlStore(url=sys.argv[1])
print(RecordLedger(store, "plan-1").run_of("backfill-abc", sys.argv[2]))
"""


@pytest.fixture
def control(control_url: str) -> Iterator[ControlStore]:
    made = ControlStore(url=control_url)
    yield made
    made.close()


@pytest.fixture
def ledger(control: ControlStore) -> RecordLedger:
    return RecordLedger(control, "plan-1")


def key(number: int, receipt: int = 1) -> RecordKey:
    return RecordKey.of(image(number), receipt)


def intent(number: int, *, kind: str = "create", before_image: str = "") -> Intent:
    return Intent(key(number), PLACE_ID, kind, f"digest-{number}", before_image)


def settled(number: int, outcome: Outcome = Outcome.CREATED, **about: object) -> Settlement:
    return Settlement(key(number), PLACE_ID, outcome, **about)  # type: ignore[arg-type]


def entry(ledger: RecordLedger, number: int) -> Entry:
    return ledger.entries()[key(number)]


def test_an_intent_is_a_put_of_which_nothing_is_known(ledger: RecordLedger) -> None:
    ledger.intend(
        RUN, [intent(1, kind="enrich", before_image="receipts/before/x.json")], at="2026-01-05T12:00:00+00:00"
    )
    found = entry(ledger, 1)
    assert (found.outcome, found.is_settled, found.is_written) == (None, False, False)
    assert (found.kind, found.content_digest, found.before_image) == ("enrich", "digest-1", "receipts/before/x.json")
    assert (found.run_id, found.at) == (RUN, "2026-01-05T12:00:00+00:00")


def test_an_outcome_keeps_what_its_intent_said(ledger: RecordLedger) -> None:
    """A rollback compares the table with the intended digest; without it nothing could be undone."""
    ledger.intend(RUN, [intent(1, kind="enrich", before_image="receipts/before/x.json")])
    ledger.settle(
        RUN, [settled(1, Outcome.ENRICHED, size=2048, write_units=12.0, notes=("id_moved", "name_non_latin"))]
    )
    found = entry(ledger, 1)
    assert (found.kind, found.content_digest, found.before_image) == ("enrich", "digest-1", "receipts/before/x.json")
    assert (found.outcome, found.size, found.write_units) == (Outcome.ENRICHED, 2048, 12.0)
    assert found.notes == ("id_moved", "name_non_latin")
    assert found.is_settled
    assert found.is_written


@pytest.mark.parametrize(
    ("outcome", "is_settled", "is_written"),
    [
        (Outcome.CREATED, True, True),
        (Outcome.EXISTING, True, False),
        (Outcome.QUARANTINED, True, False),
        (Outcome.FAILED, False, False),
        (Outcome.PARKED, False, False),
        (Outcome.NOT_ATTEMPTED, False, False),
    ],
)
def test_only_what_is_settled_is_left_alone_by_the_next_run(
    ledger: RecordLedger, outcome: Outcome, is_settled: bool, is_written: bool
) -> None:
    ledger.settle(RUN, [settled(1, outcome)])
    assert (entry(ledger, 1).is_settled, entry(ledger, 1).is_written) == (is_settled, is_written)


def test_a_new_attempt_leaves_nothing_of_the_row_before(ledger: RecordLedger) -> None:
    """The reason of last week's failure beside today's success sends people after a fault that is gone."""
    ledger.settle(RUN, [settled(1, Outcome.FAILED, reason="write_error", detail="no answer", is_suspicious=True)])
    ledger.intend("rp-20260106-0001", [intent(1)])
    assert entry(ledger, 1).reason == entry(ledger, 1).detail == ""
    ledger.settle("rp-20260106-0001", [settled(1)])
    found = entry(ledger, 1)
    assert (found.run_id, found.reason, found.detail, found.is_suspicious) == ("rp-20260106-0001", "", "", False)
    assert list(ledger.entries(run_id=RUN)) == []


def test_an_outcome_without_an_intent_has_no_digest_of_an_older_put(ledger: RecordLedger) -> None:
    """The old put's digest under a new outcome would let a rollback take somebody else's item for ours."""
    ledger.intend(RUN, [intent(1)])
    ledger.settle(RUN, [settled(1, Outcome.FAILED)])
    ledger.settle(RUN, [settled(1, Outcome.QUARANTINED, reason="obsolete_id")])
    assert (entry(ledger, 1).kind, entry(ledger, 1).content_digest) == ("", "")


def test_an_outcome_keeps_what_its_intent_said_and_the_next_intent_begins_anew(ledger: RecordLedger) -> None:
    """Rollback needs the before-image of the put that was made, and of no earlier one."""
    ledger.intend(RUN, [replace(intent(1), kind="enrich", before_image="before/1")])
    ledger.settle(RUN, [settled(1, Outcome.ENRICHED)])
    assert (entry(ledger, 1).kind, entry(ledger, 1).before_image) == ("enrich", "before/1")
    assert entry(ledger, 1).content_digest == intent(1).content_digest
    ledger.intend("rp-20260106-0001", [intent(1)])
    assert (entry(ledger, 1).kind, entry(ledger, 1).before_image, entry(ledger, 1).outcome) == ("create", "", None)


@pytest.mark.parametrize("step", ["intend", "settle"])
def test_a_batch_is_written_in_one_transaction_or_not_at_all(ledger: RecordLedger, step: str) -> None:
    """Half a batch of intents would be puts that nobody remembers."""
    intents: list[Any] = [intent(1), intent(2), replace(intent(3), place_id=None)]  # the last one breaks the batch
    settlements: list[Any] = [settled(1), settled(2), replace(settled(3), place_id=None)]
    write = {"intend": lambda: ledger.intend(RUN, intents), "settle": lambda: ledger.settle(RUN, settlements)}
    with pytest.raises(IntegrityError):
        write[step]()
    assert ledger.entries() == {}


def test_rows_come_in_the_order_of_all_work_and_by_bucket_or_run(ledger: RecordLedger) -> None:
    ledger.settle(RUN, [settled(number) for number in (200, 3, 10)])
    ledger.settle("rp-20260106-0001", [settled(11)])
    assert list(ledger.entries()) == [key(number) for number in (3, 10, 11, 200)]
    assert list(ledger.entries(buckets=["0a", "0b"])) == [key(10), key(11)]
    assert list(ledger.entries(buckets=["0a", "0b"], run_id=RUN)) == [key(10)]
    assert ledger.entries(buckets=[]) == {}


def test_plans_do_not_see_each_others_rows(control: ControlStore, ledger: RecordLedger) -> None:
    other = RecordLedger(control, "plan-2")
    ledger.settle(RUN, [settled(1)])
    other.settle("rp-20260106-0001", [settled(1, Outcome.QUARANTINED)])
    ledger.forget([key(1)])
    assert ledger.entries() == {}
    assert entry(other, 1).outcome is Outcome.QUARANTINED


def test_a_forgotten_record_is_taken_up_again_and_its_neighbour_of_the_same_image_is_not(ledger: RecordLedger) -> None:
    ledger.settle(RUN, [settled(1), Settlement(key(1, receipt=2), PLACE_ID, Outcome.CREATED)])
    ledger.forget([key(1)])
    assert list(ledger.entries()) == [key(1, receipt=2)]
    ledger.forget([])
    assert len(ledger.entries()) == 1


def test_the_runs_of_one_origin_are_one_run_in_every_process(control: ControlStore, ledger: RecordLedger) -> None:
    """All runs of a backfill carry one mark: by it they are found again and rolled back together."""
    assert ledger.run_of("backfill-abc", "rp-20260105-0001") == "rp-20260105-0001"
    command = [sys.executable, "-c", ASK, control.url, "rp-20260105-0002"]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    assert said.strip() == "rp-20260105-0001"
    assert ledger.run_of("run-xyz", "rp-20260105-0002") == "rp-20260105-0002"
    assert list(ledger.runs()) == ["rp-20260105-0001", "rp-20260105-0002"]


def test_a_ledger_is_opened_by_many_and_made_once(control: ControlStore, ledger: RecordLedger) -> None:
    RecordLedger(control, "plan-1").settle(RUN, [settled(1)])
    assert list(RecordLedger(control, "plan-1").entries()) == list(ledger.entries()) == [key(1)]
    with control.transaction() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(RECORDS)).scalar_one() == 1
