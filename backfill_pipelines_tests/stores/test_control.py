"""The control store is shared by processes: nothing is lost between them, and nothing half done is kept."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from backfill_pipelines.backfill.failures import StoreBusy, StoreError
from backfill_pipelines.stores import control
from backfill_pipelines.stores.control import ControlStore

TABLES = sa.MetaData()
COUNTERS = sa.Table(
    "counters",
    TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Integer, nullable=False),
)
ADD = """
import sys
from backfill_pipelines_tests.stores.test_control import count_up
count_up(sys.argv[1], int(sys.argv[2]))
"""
HOLD = """
import sys
from backfill_pipelines.stores.control import ControlStore
store = ControlStore(url=sys.argv[1])
with store.transaction():
    print("held", flush=True)
    sys.stdin.read()
"""


def count_up(url: str, times: int) -> None:
    """Read the counter and write one more, in a transaction each, as a budget does."""
    store = ControlStore(url=url)
    store.ensure(TABLES)
    for _ in range(times):
        with store.transaction() as connection:
            value = connection.execute(sa.select(COUNTERS.c.value).with_for_update()).scalar_one()
            connection.execute(COUNTERS.update().values(value=value + 1))
    store.close()


@pytest.fixture
def store(control_url: str) -> Iterator[ControlStore]:
    made = ControlStore(url=control_url)
    made.ensure(TABLES)
    with made.transaction() as connection:
        connection.execute(COUNTERS.insert().values(name="calls", value=0))
    yield made
    made.close()


def value_of(store: ControlStore) -> int:
    with store.transaction() as connection:
        return connection.execute(sa.select(COUNTERS.c.value)).scalar_one()


def test_the_folder_and_the_tables_come_with_the_first_use_and_stay(store: ControlStore) -> None:
    store.ensure(TABLES)
    assert value_of(store) == 0


def test_processes_that_read_and_write_one_row_lose_no_step(store: ControlStore) -> None:
    """A budget of which two processes each overwrite the other's sum pays twice."""
    workers = [subprocess.Popen([sys.executable, "-c", ADD, store.url, "40"]) for _ in range(3)]
    assert [worker.wait(timeout=300) for worker in workers] == [0, 0, 0]
    assert value_of(store) == 120


def test_an_exception_takes_back_all_of_its_transaction(store: ControlStore) -> None:
    def fail_half_way() -> None:
        with store.transaction() as connection:
            connection.execute(COUNTERS.update().values(value=7))
            connection.execute(COUNTERS.insert().values(name="dollars", value=1))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail_half_way()
    assert value_of(store) == 0


def test_what_is_committed_is_on_the_disk_and_seen_by_the_next_process(store: ControlStore) -> None:
    with store.transaction() as connection:
        connection.execute(COUNTERS.update().values(value=5))
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
    subprocess.run([sys.executable, "-c", ADD, store.url, "1"], check=True, timeout=300)
    assert value_of(store) == 6


@pytest.mark.parametrize("control_url", ["sqlite"], indirect=True)
def test_a_store_that_is_held_too_long_is_busy_and_says_what_to_look_at(
    store: ControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that hangs in a transaction must be named as the trouble, and not look like a lost file.

    PostgreSQL makes only those wait who want the same rows.
    """
    monkeypatch.setattr(control, "BUSY_SECONDS", 0.2)
    impatient = ControlStore(url=store.url)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, store.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        begun = time.monotonic()
        with pytest.raises(StoreBusy, match="no process hangs in a transaction"), impatient.transaction():
            pass
        assert time.monotonic() - begun < 60
        holder.kill()
    with impatient.transaction() as connection:
        assert connection.execute(sa.select(COUNTERS.c.value)).scalar_one() == 0, "the killed one held it no longer"
    impatient.close()


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    broken = ControlStore(url=f"sqlite:///{tmp_path}")
    with pytest.raises(StoreError, match="BACKFILL_CONTROL_URL"), broken.transaction():
        pass
    broken.close()


def test_a_driver_that_is_not_installed_is_named_with_what_installs_it() -> None:
    store = ControlStore(url="postgresql+psycopg2cffi://nowhere/control")
    with pytest.raises(StoreError, match=r"needs the Python package psycopg2cffi.*Repair: install it"):
        store.ensure(sa.MetaData())
