"""Leases among processes: one holder, noticed when lost, taken over from the dead."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from backfill_pipelines.stores import leases as module
from backfill_pipelines.stores.control import ControlStore, store_time
from backfill_pipelines.stores.leases import LeaseLost, Leases, LeaseTaken

CHILD = """
import sys, time
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.leases import Leases
with Leases(ControlStore(url=sys.argv[1])).held("writer", "rp-other", "writing"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def control(control_url: str) -> Iterator[ControlStore]:
    store = ControlStore(url=control_url)
    yield store
    store.close()


def let_it_expire(control: ControlStore) -> None:
    """As if all its time had gone by since the last beat."""
    with control.transaction() as connection:
        connection.execute(sa.update(module.LEASES).values(expires=store_time(connection)))


def test_a_second_one_is_refused_and_told_who_holds_it(control: ControlStore) -> None:
    leases = Leases(control)
    with leases.held("writer", "rp-1", "writing"):
        with pytest.raises(LeaseTaken, match=r"rp-1 \(writing\) on .*, pid \d+, since .*Repair"):
            leases._taken("writer", "rp-2", "writing")
        with leases.held("another", "rp-2", "writing"):
            pass
        holder = leases.holder("writer")
        assert holder is not None
        assert holder.holder == "rp-1"
    assert leases.holder("writer") is None
    with leases.held("writer", "rp-2", "writing") as lease:
        lease.require_held()


def test_a_holder_keeps_it_beyond_its_expiry_as_long_as_it_beats(control: ControlStore) -> None:
    leases = Leases(control, beat_seconds=0.05)
    with leases.held("writer", "rp-1", "writing") as lease:
        let_it_expire(control)
        lease._valid_until = time.monotonic()
        deadline = time.monotonic() + 60
        while not lease.is_held and time.monotonic() < deadline:
            time.sleep(0.02)
        lease.require_held()
        with pytest.raises(LeaseTaken):
            leases._taken("writer", "rp-2", "writing")


def test_one_that_does_not_beat_is_taken_over_and_notices(control: ControlStore) -> None:
    """A process that slept for an hour must not go on writing beside its successor."""
    slow = Leases(control, beat_seconds=60, expiry_seconds=0.2)
    with slow.held("writer", "rp-1", "writing") as lost:
        time.sleep(0.3)
        with Leases(control).held("writer", "rp-2", "writing") as taken:
            with pytest.raises(LeaseLost, match="writer"):
                lost.require_held()
            lost._beat()
            assert lost._is_lost
            taken._beat()
            taken.require_held()


def test_giving_back_a_lost_lease_does_not_take_it_from_its_new_holder(control: ControlStore) -> None:
    leases = Leases(control, beat_seconds=60, expiry_seconds=0.1)
    with leases.held("writer", "rp-1", "writing"):
        time.sleep(0.2)
        later = Leases(control)._taken("writer", "rp-2", "writing")
    later.start()
    later._beat()
    later.require_held()
    later.end()


def test_a_killed_holder_of_this_machine_is_succeeded_at_once(control: ControlStore) -> None:
    process = subprocess.Popen([sys.executable, "-c", CHILD, control.url], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    leases = Leases(control)
    with pytest.raises(LeaseTaken, match="rp-other"):
        leases._taken("writer", "rp-2", "writing")
    process.kill()
    process.communicate()
    with leases.held("writer", "rp-2", "writing") as lease:
        lease.require_held()


def test_a_holder_of_another_machine_is_alive_until_its_expiry(control: ControlStore) -> None:
    leases = Leases(control, beat_seconds=60)
    with leases.held("writer", "rp-1", "writing"):
        with control.transaction() as connection:
            connection.execute(sa.update(module.LEASES).values(machine="elsewhere", pid=999_999_999))
        with pytest.raises(LeaseTaken):
            leases._taken("writer", "rp-2", "writing")
        let_it_expire(control)
        successor = leases._taken("writer", "rp-2", "writing")
    assert leases.holder("writer") is not None
    successor.start()
    successor.end()
