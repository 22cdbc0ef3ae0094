"""Rollback by run: what the run wrote goes, whatever anybody else wrote stays, and twice is the same as once."""

from collections.abc import Iterator

import dagster as dg
import pytest

from backfill_pipelines.receipts.rollback_ledger import rolled_back_buckets
from backfill_pipelines.receipts.rollback_run import PLACES, ROLLED_BACK, STATE
from backfill_pipelines.receipts.rollback_scope import RollbackRefused
from backfill_pipelines.receipts.rollback_steps import State
from backfill_pipelines_tests.receipts.builders import RUN
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image
from backfill_pipelines_tests.receipts.written_runs import WrittenRun, key_of, live_place_of, place_of, stub_of


@pytest.fixture
def run(receipts: ReceiptsPlace) -> Iterator[WrittenRun]:
    with dg.DagsterInstance.ephemeral() as instance:
        made = WrittenRun(receipts, instance)
        yield made
        made.control.close()


def counts(states: dict[str, int] | object) -> dict[str, int]:
    return {name: number for name, number in dict(states).items() if number}  # type: ignore[call-overload]


def test_a_run_is_taken_back_whole_and_the_table_is_what_it_was(run: WrittenRun) -> None:
    run.prepare(range(8))
    run.store.put(live_place_of(20))
    before = run.content
    run.write(range(8))
    report = run.roll_back()
    assert counts(report.states) == {"deleted": 8}
    assert report.is_green, [gate.lines for gate in report.gates]
    assert run.content == before
    assert run.ledger.entries() == {}, "the records are taken up again by the next run"


def test_one_record_that_somebody_changed_is_kept_and_shown_field_by_field(run: WrittenRun) -> None:
    """Deleting it would destroy what the application has written since."""
    run.prepare(range(5))
    run.write(range(5))
    run.put(3, phone_number={"S": "(555) 010-9999"}, website={"NULL": True})
    changed = run.item(3)
    report = run.roll_back()
    assert counts(report.states) == {"deleted": 4, "changed_since": 1}
    assert report.is_green, [gate.lines for gate in report.gates]
    assert run.item(3) == changed
    (skipped,) = report.preview.skipped
    assert [str(change) for change in skipped.changes] == [
        'phone_number: "(555) 010-0000" -> "(555) 010-9999"',
        'website: "https://example.com/" -> true',
    ]
    assert list(run.ledger.entries()) == [key_of(3)], "it still carries the run's mark, and its ledger row"


def test_a_place_of_a_live_dual_write_during_the_run_survives(run: WrittenRun) -> None:
    """The plan's DELETE by timestamp would have taken it along."""
    run.prepare(range(3))
    run.write([0, 2])
    run.store.put(live_place_of(1))
    mine = run.item(1)
    report = run.roll_back()
    assert counts(report.states) == {"deleted": 2}
    assert run.item(1) == mine


def test_an_enriched_stub_is_restored_to_the_byte(run: WrittenRun) -> None:
    run.prepare(range(3))
    run.store.put(stub_of(1))
    before = run.content
    run.write([0], enriched=[1])
    assert run.content != before
    report = run.roll_back()
    assert counts(report.states) == {"deleted": 1, "restored": 1}
    assert report.preview.events_to_come == 2, "one REMOVE, and one MODIFY: the stub had another name"
    assert run.content == before
    assert run.item(1) == stub_of(1)


def test_a_stub_that_somebody_filled_in_meanwhile_is_not_overwritten_by_the_before_image(run: WrittenRun) -> None:
    run.prepare(range(2))
    run.store.put(stub_of(1))
    run.write([], enriched=[1])
    run.put(1, merchant_name={"S": "Green Grocer of Springfield"})
    report = run.roll_back()
    assert counts(report.states) == {"changed_since": 1}
    assert (run.item(1) or {})["merchant_name"] == {"S": "Green Grocer of Springfield"}


def test_doing_it_twice_changes_nothing(run: WrittenRun) -> None:
    run.prepare(range(4))
    run.write(range(4))
    run.put(2, phone_number={"S": "(555) 010-9999"})
    first = run.roll_back()
    after = run.content
    again = run.roll_back()
    assert run.content == after
    assert counts(again.states) == {"changed_since": 1}
    assert again.preview.events_sent == first.preview.events_to_come == 3
    assert again.preview.events_to_come == 0
    assert again.is_green
    assert "4 applied = 3 deleted + 0 restored + 0 already_absent + 1 changed_since" in again.gates[0].text


def test_a_preview_writes_nothing_anywhere(run: WrittenRun) -> None:
    run.prepare(range(4))
    run.write(range(4))
    table, ledger = run.content, run.ledger.entries()
    preview = run.work().preview()
    assert (preview.kinds, preview.events_to_come, preview.left) == ({"create": 4}, 4, 0)
    assert (run.content, run.ledger.entries()) == (table, ledger)
    assert not run.work().rollbacks.rows()
    assert run.verdicts() == {}


@pytest.mark.parametrize("accepted", [None, 0, 3, 5])
def test_another_number_of_stream_messages_is_refused(run: WrittenRun, accepted: int | None) -> None:
    """Each message rebuilds vectors: who does not know how many there are has not looked at the preview."""
    run.prepare(range(4))
    run.write(range(4))
    before = run.content
    with pytest.raises(RollbackRefused, match=r"4 stream messages will be sent.*--accept-stream-events 4"):
        run.work(apply=True, accept_stream_events=accepted).apply(run.instance, run.dagster_run())
    assert run.content == before
    assert run.verdicts() == {}


def test_what_is_gone_already_is_said_to_be_and_costs_no_message(run: WrittenRun) -> None:
    run.prepare(range(3))
    run.write(range(3))
    run.delete(1)
    report = run.roll_back(accept=2)
    assert counts(report.states) == {"deleted": 2, "already_absent": 1}
    assert report.is_green


def test_intents_of_a_killed_run_are_read_back_and_taken_back_too(run: WrittenRun) -> None:
    """kill -9 between put and outcome: the item is the run's although the ledger does not know yet."""
    run.prepare(range(4))
    run.ledger.run_of("origin", RUN)
    run.ledger.intend(RUN, [run.intent(n) for n in (0, 1, 2)])
    run.store.put(place_of(0).item)
    run.store.put(live_place_of(1))
    report = run.roll_back()
    assert counts(report.states) == {"deleted": 1, "never_applied": 2}
    assert report.is_green
    assert run.item(0) is None
    assert run.item(1) == live_place_of(1)
    assert run.ledger.entries() == {}


def test_a_limit_takes_the_first_and_repeating_it_goes_on(run: WrittenRun) -> None:
    run.prepare(range(5))
    run.write(range(5))
    run.put(0, phone_number={"S": "(555) 010-9999"})
    report = run.roll_back(limit=2)
    assert counts(report.states) == {"deleted": 2, "changed_since": 1}
    assert report.preview.left == 2
    assert [run.item(n) is None for n in range(5)] == [False, True, True, False, False]
    report = run.roll_back(limit=2)
    assert counts(report.states) == {"deleted": 2, "changed_since": 1}
    assert report.preview.left == 0
    assert report.is_green


@pytest.mark.parametrize(
    ("options", "gone"),
    [
        ({"buckets": "01-02"}, {1, 2}),
        ({"buckets": "03"}, {3}),
        ({"image_id": image(2), "receipt_id": 1}, {2}),
        ({"image_id": image(2)}, {2}),
        ({"wave": 1}, {0}),
        ({"wave": 2}, {1}),
    ],
    ids=["buckets", "bucket", "record", "image", "wave-1", "wave-2"],
)
def test_a_scope_takes_its_records_and_no_others(run: WrittenRun, options: dict[str, object], gone: set[int]) -> None:
    run.prepare(range(5))
    run.write(range(5))
    report = run.roll_back(**options)
    assert report.is_green, [gate.lines for gate in report.gates]
    assert {number for number in range(5) if run.item(number) is None} == gone
    assert {key.bucket for key in run.ledger.entries()} == {f"{n:02x}" for n in range(5)} - {f"{n:02x}" for n in gone}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"wave": 5}, "no wave 5"),
        ({"buckets": "2-1"}, "no buckets"),
        ({"buckets": "0f-0a"}, "no buckets"),
        ({"image_id": "x"}, "no image id"),
        ({"receipt_id": 1}, "ambiguous"),
        ({"wave": 1, "buckets": "00"}, "ambiguous"),
        ({"run_id": "rp-20200101-0001"}, f"has seen no run rp-20200101-0001. Repair: --run with one of {RUN}"),
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(run: WrittenRun, options: dict[str, object], why: str) -> None:
    run.prepare(range(2))
    run.write(range(2))
    with pytest.raises(RollbackRefused, match=why):
        run.work(**options)


def test_another_run_keeps_its_items(run: WrittenRun) -> None:
    run.prepare(range(4))
    run.write([0, 1])
    run.write([2, 3], run_id="rp-20260106-0001")
    assert counts(run.roll_back().states) == {"deleted": 2}
    assert [run.item(n) is None for n in range(4)] == [True, True, False, False]


def test_a_record_that_the_same_run_wrote_again_is_taken_back_again(run: WrittenRun) -> None:
    """A backfill that is executed again keeps its run id."""
    run.prepare(range(2))
    run.write(range(2))
    run.roll_back()
    run.write([0])
    report = run.roll_back()
    assert counts(report.states) == {"deleted": 1}
    assert report.is_green
    assert report.preview.events_sent == 1, "the message of the other record; this one's is sent again"


def test_a_marked_item_that_the_ledger_does_not_know_is_never_touched_and_always_red(run: WrittenRun) -> None:
    run.prepare(range(3))
    run.write(range(2))
    run.store.put(place_of(2).item)
    assert run.work().preview().unknown_to_ledger == (key_of(2),)
    report = run.roll_back()
    assert not report.is_green
    (red,) = [gate for gate in report.gates if not gate.passed]
    assert (red.gate, red.culprits) == ("ledger_matches_table", (key_of(2).name,))
    assert run.item(2) == place_of(2).item


def test_buckets_are_withdrawn_and_say_so(run: WrittenRun) -> None:
    """Downstream would otherwise go on with places that are no longer there."""
    run.prepare(range(3))
    run.write(range(3))
    run.put(2, phone_number={"S": "(555) 010-9999"})
    run.roll_back()
    assert run.verdicts() == {"00": False, "01": False}, "nothing was taken from bucket 02"
    (seen,) = run.instance.fetch_observations(dg.AssetRecordsFilter(PLACES, asset_partitions=["00"]), limit=5).records
    assert seen.asset_observation is not None
    assert seen.asset_observation.metadata[STATE].value == ROLLED_BACK
    assert rolled_back_buckets(run.control, run.ledger.plan_id) == {"00", "01"}
    run.write([0])
    assert rolled_back_buckets(run.control, run.ledger.plan_id) == {"01"}


def test_a_live_write_between_look_and_delete_is_kept(run: WrittenRun) -> None:
    """The condition names every attribute, also those that the item did not have."""
    run.prepare(range(2))
    run.write(range(2))
    preview = run.work().preview()
    assert preview.events_to_come == 2
    run.put(0, photo_references={"L": [{"S": "places/x/photos/y"}]})
    report = run.roll_back(accept=1)
    assert counts(report.states) == {"deleted": 1, "changed_since": 1}
    assert "photo_references" in (run.item(0) or {})


def test_a_production_table_wants_its_name(run: WrittenRun) -> None:
    run.prepare(range(1))
    run.write(range(1))
    run.settings = run.settings.model_copy(update={"production_tables": [run.place.name]})
    with pytest.raises(RollbackRefused, match=f"--confirm {run.place.name}"):
        run.roll_back()
    assert counts(run.roll_back(confirm=run.place.name).states) == {"deleted": 1}


def test_the_states_of_a_rollback_are_kept_in_its_own_ledger(run: WrittenRun) -> None:
    run.prepare(range(2))
    run.write(range(2))
    run.roll_back()
    rows = run.work().rollbacks.rows()
    assert [(one.key, one.kind, one.state, one.events) for one in rows.values()] == [
        (key_of(n), "create", State.DELETED, 1) for n in range(2)
    ]
