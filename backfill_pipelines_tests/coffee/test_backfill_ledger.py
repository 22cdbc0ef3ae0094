"""The ledger of backfills: resume, leases, and what is over."""

import uuid
from datetime import date, timedelta

import pytest

from backfill_pipelines.coffee.backfill_ledger import (
    LedgerRun,
    RunRefused,
    Settled,
    begin_run,
    claim,
    finish_run,
    load_partitions,
    load_run,
    new_run,
    newest_runs,
    settle,
)
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.stores.postgres import execute
from backfill_pipelines_tests.coffee.stored_world import FIRST, LAST, World

RUN = LedgerRun(uuid.UUID(int=7), Scope("incremental", FIRST, LAST), {"artifacts": 1}, "abc", "planned")
DAYS = [date(2025, 9, 7), date(2025, 9, 14)]


@pytest.fixture
def planned(world: World) -> World:
    new_run(world.connection, RUN, [(world.source.roaster_id, day) for day in DAYS])
    return world


def states(world: World) -> list[tuple[str, int]]:
    return [(one.state, one.attempts) for one in load_partitions(world.connection, RUN.id)]


def test_a_planned_backfill_is_read_back(planned: World) -> None:
    assert load_run(planned.connection, RUN.id) == RUN
    assert newest_runs(planned.connection) == [RUN]
    assert [one.key for one in load_partitions(planned.connection, RUN.id)] == [
        "2025-09-07|blue-tokai",
        "2025-09-14|blue-tokai",
    ]
    new_run(planned.connection, RUN, [(planned.source.roaster_id, DAYS[0])])
    assert states(planned) == [("pending", 0), ("pending", 0)], "writing it down again changes nothing"


def test_a_partition_that_a_living_worker_holds_is_not_taken_up_by_another(planned: World) -> None:
    wanted = [(planned.source.roaster_id, day) for day in DAYS]
    assert claim(planned.connection, RUN.id, wanted[:1]) == set(wanted[:1])
    assert claim(planned.connection, RUN.id, wanted) == set(wanted[1:])
    assert [one.is_held for one in load_partitions(planned.connection, RUN.id)] == [True, True]


def test_the_partition_of_a_worker_that_died_is_taken_up_again_when_its_lease_is_over(planned: World) -> None:
    wanted = [(planned.source.roaster_id, DAYS[0])]
    claim(planned.connection, RUN.id, wanted, lease=timedelta(seconds=-1))
    assert claim(planned.connection, RUN.id, wanted) == set(wanted)
    assert states(planned)[0] == ("running", 2)


def test_how_a_partition_ended_is_kept_with_its_cause(planned: World) -> None:
    roaster = planned.source.roaster_id
    settle(
        planned.connection,
        RUN.id,
        [Settled(roaster, DAYS[0], "failed", "d", {"red": {"g": "why"}}, "gates_red", "g: 1")],
    )
    settle(planned.connection, RUN.id, [Settled(roaster, DAYS[1], "ok", "d")])
    first, second = load_partitions(planned.connection, RUN.id)
    assert (first.state, first.error_code, first.error, first.verdict) == (
        "failed",
        "gates_red",
        "g: 1",
        {"red": {"g": "why"}},
    )
    assert (second.state, second.input_digest, second.is_held) == ("ok", "d", False)


def test_a_backfill_goes_on_after_a_stop_and_not_after_its_end(planned: World) -> None:
    begin_run(planned.connection, RUN.id, "first")
    begin_run(planned.connection, RUN.id, "after a kill")
    finish_run(planned.connection, RUN.id, "aborted", {"rows": 1})
    begin_run(planned.connection, RUN.id, "again")
    assert load_run(planned.connection, RUN.id).dagster_run_id == "again"
    finish_run(planned.connection, RUN.id, "ok", {"rows": 2})
    with pytest.raises(RunRefused, match="is over: ok"):
        begin_run(planned.connection, RUN.id, "once more")
    execute(planned.connection, "UPDATE backfill_runs SET status = 'rolled_back'")
    with pytest.raises(RunRefused, match="is over: rolled_back"):
        begin_run(planned.connection, RUN.id, "once more")


def test_an_unknown_backfill_is_refused(world: World) -> None:
    with pytest.raises(RunRefused, match="no backfill 00000000-0000-0000-0000-000000000009"):
        load_run(world.connection, uuid.UUID(int=9))
