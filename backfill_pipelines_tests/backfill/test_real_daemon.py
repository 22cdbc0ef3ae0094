"""A real ``dagster dev``, seen from outside: a backfill with bad dates, its repair, a killed worker, the gap sensor.

The steps of the story are fixtures, each standing on the one before it; the tests say what must be true of them.
"""

import os
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from backfill_pipelines_tests.backfill import queries
from backfill_pipelines_tests.backfill.backfill_defs import GAME_DAYS, read, set_red
from backfill_pipelines_tests.backfill.dev_server import DevServer, dev_server

pytestmark = pytest.mark.daemon

ALL = GAME_DAYS.get_partition_keys()
#: The first dates are launched, the next three are for the killed worker, the last two are left to the gap sensor.
LAUNCHED, KILLED, HOLE = ALL[:12], ALL[12:15], ALL[15:]
RED = ["2024-01-03", "2024-01-12"]
GREEN = [day for day in LAUNCHED if day not in RED]
BOTH = ("lines", "boxes")


@dataclass(frozen=True)
class Step:
    """A backfill at its end, the dates that it computed of each asset, and all that is published by then."""

    backfill_id: str
    backfill: queries.Backfill
    computed: Mapping[str, list[str]]
    published: Mapping[str, list[str]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    with dev_server(tmp_path_factory.mktemp("dagster_dev")) as started:
        yield started


def step(server: DevServer, backfill_id: str, before: Mapping[str, int]) -> Step:
    """Waits for the end of a backfill."""
    over = server.finished(backfill_id)
    return Step(
        backfill_id,
        over,
        {name: [day for run in read(server.folder, name)["computed"][before[name] :] for day in run] for name in BOTH},
        {name: sorted(read(server.folder, name)["published"]) for name in BOTH},
    )


def runs_so_far(server: DevServer) -> Mapping[str, int]:
    return {name: len(read(server.folder, name)["computed"]) for name in BOTH}


@pytest.fixture(scope="module")
def launched(server: DevServer) -> Step:
    """Parent and child over twelve dates, two of them bad."""
    set_red(server.folder, *RED)
    before = runs_so_far(server)
    return step(server, queries.launch(server.ask, BOTH, LAUNCHED), before)


@pytest.fixture(scope="module")
def retried(server: DevServer, launched: Step) -> Step:
    """Re-executed from failure, the cause still there."""
    before = runs_so_far(server)
    return step(server, queries.reexecute_from_failure(server.ask, launched.backfill_id), before)


@pytest.fixture(scope="module")
def repaired(server: DevServer, retried: Step) -> Step:
    """Re-executed from failure once more, the cause mended."""
    set_red(server.folder)
    before = runs_so_far(server)
    return step(server, queries.reexecute_from_failure(server.ask, retried.backfill_id), before)


@pytest.fixture(scope="module")
def killed(server: DevServer, repaired: Step) -> Step:  # noqa: ARG001
    """Three more dates, whose run is killed with signal 9 between its gates and its end."""
    pause, process = server.folder / "pause", server.folder / "paused_process"
    pause.touch()
    before = runs_so_far(server)
    backfill_id = queries.launch(server.ask, BOTH, KILLED)
    server.wait_for(lambda: process.exists() and process.read_text(), "the run to stand still", 300)
    os.kill(int(process.read_text()), signal.SIGKILL)
    pause.unlink()
    return step(server, backfill_id, before)


@pytest.fixture(scope="module")
def revived(server: DevServer, killed: Step) -> Step:
    """The backfill of the killed run, re-executed from failure."""
    before = runs_so_far(server)
    return step(server, queries.reexecute_from_failure(server.ask, killed.backfill_id), before)


def test_exactly_the_bad_dates_fail_and_nothing_is_launched_below_them(launched: Step) -> None:
    """Of a season, two dates are bad: the others must arrive, in every table, in the same night."""
    assert launched.backfill.status == "COMPLETED_FAILED"
    assert launched.backfill.counts == dict.fromkeys(BOTH, (12, 0, 10, 2))
    assert launched.published == dict.fromkeys(BOTH, GREEN)
    assert launched.computed == {"lines": LAUNCHED, "boxes": GREEN}


def test_its_runs_queue_behind_live_ones(launched: Step) -> None:
    """Whoever launches years of history does not think of the games of this night."""
    assert set(launched.backfill.priorities) == {"-10"}


def test_re_execution_from_failure_stays_red_while_the_cause_is_there(retried: Step) -> None:
    """Pressing the button until it is green is what people do; with plain asset checks it works."""
    assert retried.backfill.status == "COMPLETED_FAILED"
    assert retried.backfill.counts == dict.fromkeys(BOTH, (2, 0, 0, 2))
    assert retried.published == dict.fromkeys(BOTH, GREEN)
    assert retried.computed == {"lines": RED, "boxes": []}


def test_re_execution_after_the_repair_turns_green_and_runs_the_failed_dates_only(repaired: Step) -> None:
    """Repairing two dates must not compute a season again, nor leave their children behind."""
    assert repaired.backfill.status == "COMPLETED_SUCCESS"
    assert repaired.backfill.counts == dict.fromkeys(BOTH, (2, 0, 2, 0))
    assert repaired.published == dict.fromkeys(BOTH, LAUNCHED)
    assert repaired.computed == dict.fromkeys(BOTH, RED)


def test_a_killed_worker_fails_its_dates_and_holds_back_their_children(killed: Step) -> None:
    """Out of memory in the night: nobody may wait for a run that is gone, or go on as if it had ended well."""
    assert killed.backfill.status == "COMPLETED_FAILED"
    assert killed.backfill.counts == dict.fromkeys(BOTH, (3, 0, 0, 3))
    assert killed.published == dict.fromkeys(BOTH, LAUNCHED)
    assert killed.computed["boxes"] == []


def test_after_a_killed_worker_re_execution_goes_on(revived: Step) -> None:
    """What the dead run left behind must be in nobody's way."""
    assert revived.backfill.status == "COMPLETED_SUCCESS"
    assert revived.published == {name: [*LAUNCHED, *KILLED] for name in BOTH}
    assert revived.computed == dict.fromkeys(BOTH, KILLED)


def test_the_gap_sensor_once_started_fills_the_hole_upstream_first(server: DevServer, revived: Step) -> None:
    """Dates that no backfill was launched for are found and filled, and the good ones are left alone."""
    assert not queries.ticks(server.ask, "toy_gap_sensor"), "stopped until somebody starts it"
    before = runs_so_far(server)
    queries.start_sensor(server.ask, "toy_gap_sensor")
    # A later tick is for the child: the first one that finds no run of the parent under way.
    server.wait_for(lambda: len(read(server.folder, "boxes")["published"]) == len(ALL), "a filled hole", 300)
    assert {name: read(server.folder, name)["computed"][before[name] :] for name in BOTH} == {
        "lines": [HOLE],
        "boxes": [HOLE],
    }
    assert sorted(read(server.folder, "lines")["published"]) == sorted([*revived.published["lines"], *HOLE]) == ALL
