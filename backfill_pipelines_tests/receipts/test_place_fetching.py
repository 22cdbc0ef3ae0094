"""Fetching places with the real client from the stand-in: every row of the table of answers, money, rate, crashes."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from backfill_pipelines.receipts.call_ledger import CallState
from backfill_pipelines.receipts.fetch_report import IdOutcome, PlacesStopped
from backfill_pipelines.receipts.key_proof import is_proof, prove_key
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.stores.places import PlacesClient
from backfill_pipelines.stores.places_standin_state import Does, Fault
from backfill_pipelines_tests.receipts.places_world import PlacesWorld, ids, places_world

ONE, TWO, THREE = ids(3)
CHILD = """
import json, sys
from pathlib import Path
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.places import PlacesClient
from backfill_pipelines.stores.places_standin import ServedStandIn
from backfill_pipelines.stores.places_standin_state import State
from backfill_pipelines_tests.receipts.places_world import PlacesWorld, ids
folder, url, count, run_id, settings = sys.argv[1:]
world = PlacesWorld(Path(folder), ServedStandIn(url, State()), PlacesClient(url, "embedded"),
                    ControlStore(url=f"sqlite:///{folder}/control.db"), json.loads(settings))
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(world.fetch(ids(int(count)), run_id=run_id).counts()), flush=True)
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlacesWorld]:
    with places_world(tmp_path) as found:
        yield found


def child(world: PlacesWorld, count: int, run_id: str = "rp-child") -> subprocess.Popen[str]:
    """Another process of the same deployment, which fetches once it reads a line."""
    arguments = [world.folder, world.served.url, str(count), run_id, json.dumps(world.settings)]
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def open_requests(world: PlacesWorld) -> int:
    """That have reached the stand-in and are not answered."""
    return world.state.requests - len(world.state.log)


def wait_for(question: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 120
    while not question():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


def test_each_id_is_asked_for_once_and_never_again(world: PlacesWorld) -> None:
    report = world.fetch([ONE, TWO, ONE])
    assert [one.outcome for one in report.fetched.values()] == [IdOutcome.OK, IdOutcome.OK]
    assert list(report.fetched) == [ONE, TWO]
    entry = world.entry(ONE)
    assert entry is not None
    assert entry.body is not None
    assert entry.body["id"] == entry.response_id == ONE
    again = world.fetch([ONE, TWO], run_id="rp-another")
    assert [one.outcome for one in again.fetched.values()] == [IdOutcome.CACHE_FRESH] * 2
    assert sorted(world.asked) == [ONE, TWO]


SETTLED = [
    (Does.NOT_FOUND, IdOutcome.OBSOLETE, Reason.OBSOLETE_ID, 1, CallState.RELEASED),
    (Does.INVALID_ID, IdOutcome.MALFORMED, Reason.MALFORMED_ID, 1, CallState.RELEASED),
    (Does.HTML, IdOutcome.BAD, Reason.BAD_RESPONSE, 2, CallState.SETTLED),
    (Does.EMPTY, IdOutcome.BAD, Reason.BAD_RESPONSE, 2, CallState.SETTLED),
    (Does.NO_ID, IdOutcome.BAD, Reason.BAD_RESPONSE, 2, CallState.SETTLED),
]


@pytest.mark.parametrize(("does", "outcome", "reason", "calls", "state"), SETTLED, ids=[str(row[0]) for row in SETTLED])
def test_an_answer_about_the_id_settles_it_and_is_kept(
    world: PlacesWorld, does: Does, outcome: IdOutcome, reason: Reason, calls: int, state: CallState
) -> None:
    world.script(ONE, does)
    report = world.fetch([ONE, TWO])
    assert (report.fetched[ONE].outcome, report.fetched[ONE].reason) == (outcome, reason)
    assert report.fetched[TWO].outcome is IdOutcome.OK
    assert report.is_complete
    assert Counter(world.asked) == {ONE: calls, TWO: 1}
    assert [row.state for row in world.ledger.calls() if row.place_id == ONE] == [str(state)] * calls
    again = world.fetch([ONE])
    assert (again.fetched[ONE].outcome, again.fetched[ONE].reason) == (IdOutcome.CACHE_FRESH, reason)
    assert len(world.asked) == calls + 1


def test_a_negative_answer_is_asked_for_again_on_request(world: PlacesWorld) -> None:
    world.script(ONE, Does.HTML, times=2)
    world.fetch([ONE])
    report = world.fetch([ONE], ask_again=frozenset((Reason.BAD_RESPONSE,)))
    assert report.fetched[ONE].outcome is IdOutcome.OK


def test_an_id_that_no_url_can_hold_is_malformed_without_a_call_and_harms_no_other(world: PlacesWorld) -> None:
    """Sent, it would end the run of all others."""
    endless = "x" * 100_000
    report = world.fetch([endless, TWO])
    found = {place_id: (one.outcome, one.reason) for place_id, one in report.fetched.items()}
    assert found == {endless: (IdOutcome.MALFORMED, Reason.MALFORMED_ID), TWO: (IdOutcome.OK, None)}
    assert world.asked == [TWO]
    assert "100,000 bytes, and no key of the table holds more than 2,042" in report.fetched[endless].detail
    assert world.fetch([endless], run_id="rp-2").fetched[endless].outcome is IdOutcome.CACHE_FRESH


def test_a_bad_answer_that_is_good_the_second_time_is_good(world: PlacesWorld) -> None:
    world.script(ONE, Does.HTML, times=1)
    assert world.fetch([ONE]).fetched[ONE].reason is None


@pytest.mark.parametrize("does", [Does.OTHER_ID, Does.MOVED_WITH_PLACE])
def test_a_moved_place_with_its_fields_is_kept_under_the_id_asked_for(world: PlacesWorld, does: Does) -> None:
    world.script(ONE, does, TWO)
    (found,) = world.fetch([ONE]).fetched.values()
    assert (found.outcome, found.response_id, found.notes) == (IdOutcome.OK, TWO, ("id_moved",))
    assert world.asked == [ONE]
    assert world.entry(TWO) is None


def test_a_move_is_followed_once_and_both_calls_are_counted(world: PlacesWorld) -> None:
    world.script(ONE, Does.MOVED, TWO)
    (found,) = world.fetch([ONE]).fetched.values()
    assert (found.outcome, found.response_id, found.notes) == (IdOutcome.OK, TWO, ("id_moved",))
    assert world.asked == [ONE, TWO]
    entry = world.entry(ONE)
    assert entry is not None
    assert entry.body is not None
    assert entry.body["location"]
    assert len(world.ledger.calls()) == 2


def test_a_second_move_is_a_chain(world: PlacesWorld) -> None:
    world.script(ONE, Does.MOVED, TWO)
    world.script(TWO, Does.MOVED, THREE)
    assert world.fetch([ONE]).fetched[ONE].reason is Reason.MOVED_CHAIN
    assert world.asked == [ONE, TWO]


@pytest.mark.parametrize(
    ("does", "value"), [(Does.STATUS, "500"), (Does.STATUS, "503"), (Does.DROPPED, ""), (Does.SILENCE, "2.5")]
)
def test_a_fault_of_the_service_is_tried_five_times_and_by_the_next_run_again(
    world: PlacesWorld, does: Does, value: str
) -> None:
    if does is Does.SILENCE:
        world.client.close()
        world.client = PlacesClient(world.served.url, "embedded", read_seconds=1.5)
    world.script(ONE, does, value, times=5)
    report = world.fetch([ONE, TWO])
    assert (report.fetched[ONE].outcome, report.fetched[ONE].reason) == (IdOutcome.FAILED, Reason.API_UNAVAILABLE)
    assert not report.is_complete
    state = CallState.RELEASED if does is Does.STATUS else CallState.UNCERTAIN
    assert [row.state for row in world.ledger.calls() if row.place_id == ONE] == [str(state)] * 5
    assert world.fetch([ONE]).fetched[ONE].outcome is IdOutcome.OK


def test_a_refusal_for_the_rate_pauses_everybody_for_as_long_as_it_says(world: PlacesWorld) -> None:
    world.settings = {"places_concurrency": 1}
    world.state.script.by_request[1] = Fault(Does.RATE_LIMITED, "1")
    begun = time.monotonic()
    report = world.fetch([ONE, TWO])
    assert time.monotonic() - begun >= 1.0
    assert [one.outcome for one in report.fetched.values()] == [IdOutcome.OK, IdOutcome.OK]
    assert report.counts()["http_429"] == 1


def test_ten_refusals_in_a_row_park_the_rest(world: PlacesWorld) -> None:
    world.settings = {"places_concurrency": 1, "queries_per_minute": 60_000}
    world.state.script.from_request[3] = Fault(Does.RATE_LIMITED)
    report = world.fetch(ids(20))
    counts = report.counts()
    assert (counts["ids_ok"], counts["ids_parked"]) == (2, 18)
    assert counts["http_429"] >= 10
    assert {one.reason for one in report.by_outcome(IdOutcome.PARKED)} == {Reason.PARKED_QUOTA}


def test_a_used_up_quota_parks_the_rest_at_once_and_the_next_run_goes_on(world: PlacesWorld) -> None:
    world.settings = {"places_concurrency": 1}
    world.state.script.daily_quota = 3
    report = world.fetch(ids(8))
    assert (report.counts()["ids_ok"], report.counts()["ids_parked"]) == (3, 5)
    assert "per day" in report.parked_because
    world.state.script.daily_quota = None
    assert world.fetch(ids(8)).counts()["ids_ok"] == 5


@pytest.mark.parametrize(
    ("does", "kind"),
    [
        (Does.FORBIDDEN, "auth_error"),
        (Does.UNAUTHENTICATED, "auth_error"),
        (Does.INVALID_KEY, "auth_error"),
        (Does.BAD_MASK, "config_error"),
    ],
)
def test_a_refused_key_or_request_stops_all_processes_and_marks_nothing(
    world: PlacesWorld, does: Does, kind: str
) -> None:
    """Records that were skipped for a wrong key would count as done."""
    world.settings = {"places_concurrency": 1, "queries_per_minute": 6_000}
    world.state.script.from_request[6] = Fault(does)
    with pytest.raises(PlacesStopped, match="BACKFILL_PLACES") as caught:
        world.fetch(ids(20))
    assert caught.value.kind == kind
    assert {one.outcome for one in caught.value.report.fetched.values()} == {IdOutcome.OK}
    assert len(caught.value.report.fetched) == 5
    calls = len(world.asked)
    with pytest.raises(PlacesStopped):
        world.fetch(ids(20))
    assert len(world.asked) == calls
    # Another run proves the key first, with one free call; here it fails still.
    with pytest.raises(PlacesStopped):
        world.fetch(ids(20), run_id="rp-next")
    assert len(world.asked) == calls + 1
    world.state.script.from_request.clear()
    assert is_proof(prove_key(world.client, world.ledger))
    assert world.fetch(ids(20)).counts()["ids_ok"] == 15


def test_a_run_makes_no_more_calls_than_its_cap_and_the_next_goes_on(world: PlacesWorld) -> None:
    world.settings = {"max_calls": 30}
    first = world.fetch(ids(42), run_id="rp-1")
    assert len(world.asked) == 30
    assert (first.counts()["ids_ok"], first.counts()["ids_parked"]) == (30, 12)
    assert {one.reason for one in first.by_outcome(IdOutcome.PARKED)} == {Reason.PARKED_BUDGET}
    assert world.fetch(ids(42), run_id="rp-1").counts()["ids_parked"] == 12
    assert len(world.asked) == 30
    second = world.fetch(ids(42), run_id="rp-2")
    assert (second.counts()["ids_cache_fresh"], second.counts()["ids_ok"]) == (30, 12)
    assert len(world.asked) == len(set(world.asked)) == 42


def test_a_month_costs_no_more_than_its_budget(world: PlacesWorld) -> None:
    """20 dollars a thousand: 30 calls are 60 cents; a released call leaves its price for another."""
    world.settings = {"free_calls": 0, "budget_usd": "0.60"}
    world.script(ONE, Does.INVALID_ID)
    first = world.fetch(ids(42))
    assert (first.counts()["ids_ok"], first.counts()["ids_malformed"], first.counts()["ids_parked"]) == (30, 1, 11)
    assert first.spent_usd == Decimal("0.60")
    assert sum(row.spent_usd for row in world.ledger.spend()) == Decimal("0.60")
    assert world.state.billable == {"Place Details Enterprise": 30}
    world.settings["budget_usd"] = "50"
    assert world.fetch(ids(42)).counts()["http_attempts"] == 11


def test_free_calls_cost_nothing(world: PlacesWorld) -> None:
    world.settings = {"budget_usd": "0"}
    assert world.fetch(ids(5)).spent_usd == 0


def test_a_request_to_stop_leaves_the_rest_not_attempted(world: PlacesWorld) -> None:
    world.settings = {"places_concurrency": 1, "queries_per_minute": 6_000}
    report = world.fetch(ids(50), should_stop=lambda: len(world.asked) >= 5)
    counts = report.counts()
    assert 5 <= counts["ids_ok"] < 50
    assert counts["distinct_place_ids"] == counts["ids_ok"]
    assert {one.reason for one in report.by_outcome(IdOutcome.NOT_ATTEMPTED)} == {Reason.STOPPED}


def test_a_cheaper_tier_in_the_cache_does_not_serve_a_dearer_one(world: PlacesWorld) -> None:
    world.settings = {"tier": "essentials"}
    world.fetch([ONE])
    world.settings = {"tier": "full"}
    assert world.fetch([ONE]).fetched[ONE].outcome is IdOutcome.OK
    world.settings = {"tier": "pro"}
    assert world.fetch([ONE]).fetched[ONE].outcome is IdOutcome.CACHE_FRESH


def test_the_key_is_in_no_error_row_or_entry(world: PlacesWorld, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = PlacesClient(world.served.url, "AIzaSecretKey0123456789")
    world.client.close()
    world.client = client
    with pytest.raises(PlacesStopped) as caught:
        world.fetch([ONE])
    said = [str(caught.value), repr(client), caplog.text, str(world.ledger.calls()), str(world.ledger.stopped())]
    assert not any("AIzaSecret" in text for text in said)


def test_two_processes_call_once_for_each_id(world: PlacesWorld) -> None:
    world.settings = {"places_concurrency": 4}
    world.state.script.latency_seconds = 0.5
    processes = [child(world, 150, run_id) for run_id in ("rp-a", "rp-b")]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    wait_for(lambda: open_requests(world) > 4, "more requests at a time than one process may have")
    world.state.script.latency_seconds = 0.005
    counts = [json.loads(process.communicate(timeout=300)[0]) for process in processes]
    assert len(world.asked) == len(set(world.asked)) == 150
    assert [count["distinct_place_ids"] for count in counts] == [150, 150]
    assert sum(count["http_attempts"] for count in counts) == 150
    assert min(count["ids_ok"] for count in counts) > 0


def test_after_a_kill_no_answer_that_was_kept_is_asked_for_again(world: PlacesWorld) -> None:
    world.settings = {"places_concurrency": 4, "free_calls": 0}
    world.state.script.latency_seconds = 0.02
    killed = child(world, 60)
    assert killed.stdin is not None
    killed.stdin.write("\n")
    killed.stdin.flush()
    wait_for(lambda: len(world.asked) >= 20, "twenty answers")
    killed.kill()
    killed.communicate()
    time.sleep(0.2)  # what was under way is logged when the stand-in has answered it
    wait_for(lambda: open_requests(world) == 0, "the last answer")
    kept = set(world.cache.read(ids(60)))
    before = len(world.asked)
    report = world.fetch(ids(60), run_id="rp-child")
    assert report.is_complete
    asked_again = Counter(world.asked)
    assert all(asked_again[place_id] == 1 for place_id in kept)
    assert len(world.asked) - 60 <= 4
    assert len(world.asked) - before == 60 - len(kept)
    states = Counter(row.state for row in world.ledger.calls())
    assert states[CallState.RESERVED] == 0
    (spend,) = world.ledger.spend()
    counted = spend.settled + spend.uncertain
    assert (spend.settled, spend.uncertain) == (states[CallState.SETTLED], states[CallState.UNCERTAIN])
    assert spend.spent_usd == counted * Decimal("0.02")
    assert counted >= len(world.asked)
