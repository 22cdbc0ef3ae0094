"""A rollback that is killed, loses replies or is raced goes on where it was, and counts nothing twice."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.busy import ASSET_TAG
from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.backfill.pausing import pause, resume
from backfill_pipelines.receipts import rollback
from backfill_pipelines.receipts.migration_assets import PLACES
from backfill_pipelines.receipts.migration_context import writer_lease
from backfill_pipelines.receipts.rollback_run import Request, RollbackWork
from backfill_pipelines.receipts.rollback_scope import RollbackRefused
from backfill_pipelines.receipts.rollback_steps import State
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.item_errors import NoAnswer, Throttled
from backfill_pipelines.stores.items import Consumed, Expression
from backfill_pipelines.stores.leases import LeaseTaken
from backfill_pipelines_tests.receipts.builders import RUN
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, row_of
from backfill_pipelines_tests.receipts.stream_meter import StreamMeter
from backfill_pipelines_tests.receipts.written_runs import WrittenRun, key_of, live_place_of, stub_of
from backfill_pipelines_tests.stores.item_servers import Faults, connected

#: Filling in a stub changes its name; inserting a place sends nothing.
SENT_BY_THE_RUN = 2
CHILD = """
import sys
from backfill_pipelines_tests.receipts.test_rollback_faults import roll_back_and_die
roll_back_and_die(*sys.argv[1:])
"""


class FaultyStore:
    """The items of a table; something happens before or after its n-th write."""

    def __init__(
        self,
        store: DynamoItemStore,
        at: int,
        *,
        before: Callable[..., None] | None = None,
        after: Callable[..., None] | None = None,
    ) -> None:
        self._store = store
        self._at = at
        self._before = before
        self._after = after
        self._lock = threading.Lock()
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, item: Any, when: Expression | None = None) -> Consumed:
        return self._faulty(lambda: self._store.put(item, when))

    def delete(self, key: Any, when: Expression | None = None) -> Consumed:
        return self._faulty(lambda: self._store.delete(key, when))

    def _faulty(self, write: Callable[[], Consumed]) -> Consumed:
        with self._lock:
            self.writes += 1
            is_it = self.writes == self._at
        if is_it and self._before:
            self._before()
        done = write()
        if is_it and self._after:
            self._after()
        return done


class FaultyItems:
    """The resource, which gives out a faulty store."""

    def __init__(self, items: Any, store: FaultyStore) -> None:
        self._items = items
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)

    def store(self) -> FaultyStore:
        return self._store


def with_faults(run: WrittenRun, store: FaultyStore) -> Any:
    resources = run.resources
    resources.items = FaultyItems(resources.items, store)
    return resources


def apply_with(run: WrittenRun, resources: Any, accept: int) -> Any:
    request = Request(run_id=RUN, apply=True, accept_stream_events=accept, asked_by="a test")
    return RollbackWork(resources, request).apply(run.instance, run.dagster_run())


def roll_back_and_die(endpoint: str, state: str, folder: str, name: str, accept: str, at: str, when: str) -> None:
    """What the child does: kill -9 itself around its n-th write, with batches of four records."""
    rollback.BATCH_SIZE = 4
    place = ReceiptsPlace(endpoint, Path(state), Path(folder), name)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with dg.DagsterInstance.ephemeral() as instance:
        run = WrittenRun(place, instance)
        store = FaultyStore(place.store, int(at), **{when: die})
        apply_with(run, with_faults(run, store), int(accept))


@pytest.fixture
def run(receipts: ReceiptsPlace) -> Iterator[WrittenRun]:
    with dg.DagsterInstance.ephemeral() as instance:
        made = WrittenRun(receipts, instance)
        yield made
        made.control.close()


def written(run: WrittenRun) -> dict[tuple[str, str], str]:
    """Ten records, of which the run created eight and enriched two; says how the table was before."""
    run.prepare(range(10))
    run.store.put(stub_of(8))
    run.store.put(stub_of(9))
    run.store.put(live_place_of(20))
    before = dict(run.content)
    run.write(range(8), enriched=[8, 9])
    return before


@pytest.mark.parametrize(
    ("at", "when"),
    [(1, "before"), (6, "after"), (10, "after")],
    ids=["first-intents", "second-batch-write", "last-write"],
)
def test_killed_at_any_moment_the_same_command_goes_on(run: WrittenRun, at: int, when: str) -> None:
    before = written(run)
    place = run.place
    arguments = [place.endpoint, str(place.state), str(place.folder), place.name, "10", str(at), when]
    child = subprocess.run([sys.executable, "-c", CHILD, *arguments], timeout=300, check=False)
    assert child.returncode == -signal.SIGKILL
    assert run.ledger.entries(), "the outcomes of its last batch were not written"
    report = run.roll_back(accept=10)
    assert report.is_green, [gate.lines for gate in report.gates]
    assert run.content == before, "as after a rollback that nobody has killed"
    assert "10 applied = 8 deleted + 2 restored + 0 already_absent + 0 changed_since" in report.gates[0].text
    assert run.ledger.entries() == {}
    assert report.preview.events_sent + report.preview.events_to_come == 10
    assert StreamMeter(run.place).messages() == SENT_BY_THE_RUN + 10


def test_the_stream_sends_what_the_preview_said(run: WrittenRun) -> None:
    run.prepare(range(5))
    run.write(range(5))
    meter = StreamMeter(run.place)
    assert meter.messages() == 0
    run.put(4, website={"S": "https://example.org/"})
    assert meter.messages() == 0, "the vectors carry no website"
    expected = run.work().preview().events_to_come
    report = run.roll_back()
    assert expected == 4
    assert report.applied is not None
    assert report.applied.events(report.preview) == meter.messages() == expected


def test_a_lost_reply_is_one_delete(run: WrittenRun) -> None:
    before = written(run)
    wire = connected(run.place.endpoint)
    Faults(wire).lose_reply("DeleteItem", times=2)
    faulty = FaultyStore(DynamoItemStore(run.place.name, wire, wire), 0)
    report = apply_with(run, with_faults(run, faulty), 10)
    assert {name: n for name, n in report.states.items() if n} == {"deleted": 8, "restored": 2}
    assert report.is_green
    assert run.content == before
    assert report.applied.events(report.preview) == 10
    assert StreamMeter(run.place).messages() == SENT_BY_THE_RUN + 10


def test_a_writer_that_is_faster_than_the_delete_keeps_its_item(run: WrittenRun) -> None:
    """Between the read and the write: only the condition stands between the rollback and somebody's work."""
    written(run)

    def race() -> None:
        run.put(0, formatted_address={"S": "13 Market St"})

    report = apply_with(run, with_faults(run, FaultyStore(run.store, 1, before=race)), 10)
    changed = [key for key, one in report.applied.undone.items() if one.state is State.CHANGED_SINCE]
    assert changed in ([key_of(0)], [])
    assert (run.item(0) is not None) == bool(changed)
    assert report.is_green, [gate.lines for gate in report.gates]


def test_an_error_settles_what_is_known_and_the_rest_goes_on_later(run: WrittenRun) -> None:
    before = written(run)

    def fail() -> None:
        raise StoreError("the table is gone")

    with pytest.raises(StoreError, match="the table is gone"):
        apply_with(run, with_faults(run, FaultyStore(run.store, 3, before=fail)), 10)
    rows = run.work().rollbacks.rows()
    assert sum(row.state is None for row in rows.values()) == 1
    assert len(run.ledger.entries()) == 1
    assert run.roll_back(accept=10).is_green
    assert run.content == before


def test_a_server_that_never_answers_leaves_the_record_in_doubt(run: WrittenRun) -> None:
    written(run)
    wire = connected(run.place.endpoint)
    Faults(wire).answer("DeleteItem", "InternalServerError", status=500)
    faulty = FaultyStore(DynamoItemStore(run.place.name, wire, wire), 0)
    with pytest.raises(NoAnswer):
        apply_with(run, with_faults(run, faulty), 10)
    assert sum(row.state is None for row in run.work().rollbacks.rows().values()) == 8
    assert run.roll_back(accept=10).is_green


def test_a_throttle_is_waited_for_and_told(run: WrittenRun) -> None:
    written(run)
    told: list[str] = []

    def refuse() -> None:
        raise Throttled(run.place.name, "DeleteItem", "", "hot", ["GSI3"])

    request = Request(run_id=RUN, apply=True, accept_stream_events=10, asked_by="a test")
    resources = with_faults(run, FaultyStore(run.store, 1, before=refuse))
    assert RollbackWork(resources, request).apply(run.instance, run.dagster_run(), told.append).is_green
    assert any(line.startswith("throttled: GSI3 refused a write; ") for line in told)


def test_buckets_are_withdrawn_before_the_first_write(run: WrittenRun) -> None:
    """Killed in between, a bucket must not look complete."""
    written(run)

    def fail() -> None:
        raise StoreError("killed")

    with pytest.raises(StoreError):
        apply_with(run, with_faults(run, FaultyStore(run.store, 1, before=fail)), 10)
    assert run.verdicts() == {f"{n:02x}": False for n in range(10)}


def test_somebody_who_writes_is_named_and_nothing_is_touched(run: WrittenRun) -> None:
    written(run)
    before = run.content
    with (
        writer_lease(run.control, run.place.name, "run 17", "wave 2"),
        pytest.raises(LeaseTaken, match=r"run 17 \(wave 2\)"),
    ):
        run.roll_back(accept=10)
    assert run.content == before


def test_a_run_of_the_places_that_is_under_way_refuses_the_rollback(run: WrittenRun) -> None:
    written(run)
    writing = dg.DagsterRun(
        job_name="__ASSET_JOB", status=dg.DagsterRunStatus.STARTED, tags={ASSET_TAG: PLACES.to_user_string()}
    )
    run.instance.add_run(writing)
    with pytest.raises(RollbackRefused, match=f"run {writing.run_id} of the same assets is started"):
        run.roll_back(accept=10)


def test_a_pause_stops_a_rollback_before_its_next_batch_and_the_same_command_goes_on(
    run: WrittenRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever pauses everything must not find a table that is still being changed."""
    monkeypatch.setattr(rollback, "BATCH_SIZE", 4)
    before = written(run)
    pause(run.instance, "receipts", reason="incident", by="lead")
    with pytest.raises(
        RollbackRefused, match=r"receipts is paused since .* by lead: incident\. Resume: backfill resume"
    ):
        run.roll_back(accept=10)
    assert len(run.ledger.entries()) == 10
    resume(run.instance, "receipts")

    def paused() -> None:
        pause(run.instance, "", reason="incident", by="lead")

    with pytest.raises(RollbackRefused, match="everything is paused"):
        apply_with(run, with_faults(run, FaultyStore(run.store, 2, before=paused)), 10)
    assert len(run.ledger.entries()) == 6
    assert run.roll_back(accept=10, despite_pause=True).is_green
    assert run.content == before


def test_a_before_image_that_was_changed_stops_it_before_the_first_write(run: WrittenRun) -> None:
    written(run)
    before = run.content
    reference = run.ledger.entries()[key_of(8)].before_image
    ((_, content),) = run.place.objects.read([reference])
    run.place.objects.write(reference, content.replace(b"green grocer", b"red grocer"))
    with pytest.raises(StoreError, match=r"is not what was written"):
        run.roll_back(accept=10)
    assert run.content == before


def test_metadata_that_a_live_writer_changes_meanwhile_is_listed_and_a_lost_row_is_red(run: WrittenRun) -> None:
    written(run)

    def live() -> None:
        run.store.put(row_of(0, reasoning="Seen again."))
        lost = row_of(1)
        run.store.delete({"PK": lost["PK"], "SK": lost["SK"]})

    report = apply_with(run, with_faults(run, FaultyStore(run.store, 2, before=live)), 10)
    (red,) = [gate for gate in report.gates if not gate.passed]
    assert red.gate == "metadata_intact"
    assert red.culprits == (f"IMAGE#{key_of(1).image_id} RECEIPT#00001#METADATA: gone",)
    assert red.values["written_by_others"] == f"IMAGE#{key_of(0).image_id} RECEIPT#00001#METADATA"
