"""Connections and transactions: what is tried again, what is not, what an error says, who holds a lock."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
from backfill_pipelines.stores.postgres import (
    RETRY_SECONDS,
    Connection,
    Jsonb,
    Postgres,
    PostgresBusy,
    PostgresError,
    PostgresRefused,
    PostgresUnreachable,
    copy_rows,
    execute,
    read_rows,
    read_value,
    session_lock,
    transaction_lock,
)
from backfill_pipelines_tests.coffee.databases import QUICK, fresh_database, short_folder, watched


@pytest.fixture(scope="module")
def server_folder() -> Iterator[Path]:
    """A server of this module."""
    with short_folder() as folder:
        server = EmbeddedPostgres(folder, QUICK)
        server.endpoint()
        with watched(server, folder):
            yield folder


@pytest.fixture
def database(server_folder: Path) -> Iterator[Postgres]:
    """A database with one table."""
    with fresh_database(server_folder, "template1") as found:
        with found.connect("test") as connection:
            execute(connection, "CREATE TABLE t (x int PRIMARY KEY, j jsonb)")
        yield found


def test_a_block_is_one_transaction(database: Postgres) -> None:
    with pytest.raises(PostgresRefused), database.connect("test") as connection:
        execute(connection, "INSERT INTO t VALUES (1); SELECT nonsense")
    with database.connect("test") as connection:
        assert read_value(connection, "SELECT count(*) FROM t") == 0
        assert copy_rows(connection, "t (x, j)", ((n, Jsonb({"é": [n, None]})) for n in range(3))) == 3
    with database.connect("test") as connection:
        assert read_rows(connection, "SELECT * FROM t WHERE x = %(x)s", {"x": 2}) == [{"x": 2, "j": {"é": [2, None]}}]
        assert read_value(connection, "SELECT x FROM t WHERE x > 5") is None


def test_a_connection_whose_commit_is_refused_is_closed(database: Postgres) -> None:
    """A held connection keeps its session on the server, and the database cannot be dropped or renamed."""
    with database.connect("test") as connection:
        execute(connection, "ALTER TABLE t ADD UNIQUE (j) DEFERRABLE INITIALLY DEFERRED")
    with pytest.raises(PostgresRefused, match="23505"), database.connect("test") as connection:
        execute(connection, "INSERT INTO t VALUES (1, '{}'), (2, '{}')")
    assert connection.closed


def test_a_session_says_who_it_is_and_has_its_limits(database: Postgres) -> None:
    with database.connect("coffee:run-1") as connection:
        told = [read_value(connection, f"SHOW {name}") for name in ("application_name", "statement_timeout")]
        assert [*told, read_value(connection, "SHOW lock_timeout"), read_value(connection, "SHOW timezone")] == [
            "coffee:run-1",
            "5min",
            "10s",
            "UTC",
        ]


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57P01", "57P03", "08006"])
def test_what_passes_is_tried_three_times_more(database: Postgres, state: str) -> None:
    slept: list[float] = []
    calls: list[int] = []

    def work(connection: Connection) -> str:
        calls.append(1)
        execute(connection, "INSERT INTO t VALUES (%s)", (len(calls),))
        if len(calls) <= len(RETRY_SECONDS):
            execute(connection, f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$")
        return "done"

    assert database.transact("test", work, sleep=slept.append) == "done"
    assert [round(seconds / planned) for seconds, planned in zip(slept, RETRY_SECONDS, strict=True)] == [1, 1, 1]
    with database.connect("test") as connection:
        assert read_value(connection, "SELECT array_agg(x) FROM t") == [4]


@pytest.mark.parametrize("state", ["22003", "23505", "23514", "42P01", "57014"])
def test_what_is_wrong_is_not_tried_again(database: Postgres, state: str) -> None:
    calls: list[int] = []

    def work(connection: Connection) -> None:
        calls.append(1)
        execute(connection, f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}', HINT = 'ask me'; END $$")

    with pytest.raises(PostgresError, match="ask me") as caught:
        database.transact("test", work, sleep=lambda _: None)
    assert (len(calls), caught.value.sqlstate, caught.value.is_transient) == (1, state, False)
    assert isinstance(caught.value, PostgresRefused) == (state != "57014")


def test_what_stays_busy_is_an_error_in_the_end(database: Postgres) -> None:
    def work(connection: Connection) -> None:
        execute(connection, "DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '40001'; END $$")

    with pytest.raises(PostgresBusy, match=r"40001.*Repair"):
        database.transact("test", work, sleep=lambda _: None)


def test_a_connection_that_the_server_ends_is_unreachable_and_the_next_one_works(database: Postgres) -> None:
    calls: list[int] = []

    def work(connection: Connection) -> int:
        calls.append(1)
        if len(calls) == 1:
            with database.connect("killer") as other:
                execute(other, "SELECT pg_terminate_backend(%s)", (read_value(connection, "SELECT pg_backend_pid()"),))
        return read_value(connection, "SELECT 7")

    assert database.transact("test", work, sleep=lambda _: None) == 7
    assert len(calls) == 2


def test_a_server_that_is_not_there_is_named_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", "postgresql://me:hunter2@127.0.0.1:1/coffee_scraper")
    with pytest.raises(PostgresUnreachable, match=r"coffee_scraper on 127.0.0.1.*Repair") as caught:
        Postgres().transact("test", lambda _: None, sleep=lambda _: None)
    assert "hunter2" not in str(caught.value)


def test_a_server_by_dsn_is_used_as_it_is(database: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_POSTGRES_DSN", database.conninfo())
    with Postgres().connect("test") as connection:
        assert read_value(connection, "SELECT current_database()") == database.database


def test_a_server_that_is_too_old_is_refused_before_anything_is_done(
    database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfill_pipelines.stores.postgres.OLDEST_VERSION", 990_000)
    with pytest.raises(PostgresError, match=r"is PostgreSQL 18\. Repair: use 99 or later"), database.connect("test"):
        pytest.fail("the block was entered")


def test_waiting_for_a_lock_ends(database: Postgres) -> None:
    with database.connect("holder") as holder:
        transaction_lock(holder, "publish")
        began = time.monotonic()
        with (
            pytest.raises(PostgresBusy, match="55P03"),
            database.connect("waiter", lock_timeout_seconds=0.1) as waiter,
        ):
            transaction_lock(waiter, "publish")
        assert time.monotonic() - began < 60
    with database.connect("waiter", lock_timeout_seconds=0.1) as waiter:
        transaction_lock(waiter, "publish")


def test_the_lock_of_a_session_outlives_its_transactions_and_is_given_back(database: Postgres) -> None:
    with database.connect("a") as first, database.connect("b") as second:
        with session_lock(first, "work") as is_ours:
            assert is_ours
            first.commit()
            with session_lock(second, "work") as is_theirs, session_lock(second, "other") as is_other:
                assert (is_theirs, is_other) == (False, True)
        with session_lock(second, "work") as is_theirs:
            assert is_theirs
        with pytest.raises(PostgresRefused), database.connect("c") as third, session_lock(third, "broken") as is_ours:
            execute(third, "SELECT nonsense")
        with session_lock(second, "broken") as is_theirs:
            assert is_theirs


def test_databases_are_made_once_by_whoever_comes_first(server_folder: Path) -> None:
    made = Postgres(embedded=str(server_folder), database="made_together")
    found: list[str] = []

    def one() -> None:
        with made.connect("test") as connection:
            found.append(read_value(connection, "SELECT current_database()"))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["made_together"] * 4
