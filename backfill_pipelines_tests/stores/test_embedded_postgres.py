"""The embedded PostgreSQL: one for all processes, found again, whatever was killed; nothing committed is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.embedded_postgres import MOST_SOCKET_BYTES, EmbeddedPostgres
from backfill_pipelines.stores.embedded_server import ServerNotRunning
from backfill_pipelines.stores.postgres import Postgres, execute, read_value
from backfill_pipelines_tests.coffee.databases import short_folder

#: Writes a row, says so, and waits with a second one that it has not committed.
CLIENT = """
import sys
from pathlib import Path
import psycopg
from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
with psycopg.connect(EmbeddedPostgres(Path(sys.argv[1])).endpoint(), dbname="coffee_scraper") as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS kept (x int)")
    connection.execute("INSERT INTO kept VALUES (1)")
    connection.commit()
    connection.execute("INSERT INTO kept VALUES (2)")
    print("written", flush=True)
    sys.stdin.read()
"""
#: Imports as little as it can, so that several really start at the same time.
ASK = """
import sys
from pathlib import Path
from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.endpoint()
print(server.running().pid)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A state folder; what runs in it is stopped at the end."""
    with short_folder() as found:
        yield found / "postgres"
        EmbeddedPostgres(found / "postgres").stop()


def kept(folder: Path) -> list[int]:
    with Postgres(embedded=str(folder)).connect("test") as connection:
        return [row[0] for row in execute(connection, "SELECT x FROM kept ORDER BY x")]


def killed(server: EmbeddedPostgres) -> int:
    found = server.running()
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    for _ in range(3000):
        if server.running() is None:
            break
        time.sleep(0.02)
    assert server.running() is None
    return found.pid


def test_what_was_committed_survives_killed_clients_a_killed_server_and_a_stop(folder: Path) -> None:
    server = EmbeddedPostgres(folder)
    with Postgres(embedded=str(folder)).connect("test"):
        pass
    command = [sys.executable, "-c", CLIENT, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "written\n"
        client.kill()
    assert server.running() is not None
    assert kept(folder) == [1]
    killed(server)
    assert kept(folder) == [1]
    assert server.stop() is not None
    assert server.running() is None
    assert server.stop() is None
    assert kept(folder) == [1]


def test_processes_that_start_together_share_one_server(folder: Path) -> None:
    command = [sys.executable, "-c", ASK, str(folder)]

    def ask(_: int) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(ask, range(3)))) == 1


def test_a_pid_that_another_process_has_by_now_does_not_keep_it_from_starting(folder: Path) -> None:
    """In a container pids come again: PostgreSQL alone would take the other process for itself and refuse."""
    server = EmbeddedPostgres(folder)
    server.endpoint()
    pid = killed(server)
    left = (folder / "data" / "postmaster.pid").read_text()
    owner = (folder / "data").stat()
    become = f"import os, time; os.setgid({owner.st_gid}); os.setuid({owner.st_uid}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", become]) as other:
        (folder / "data" / "postmaster.pid").write_text(left.replace(str(pid), str(other.pid), 1))
        (folder / "server.json").write_text(f'{{"pid": {other.pid}, "port": 5432}}')
        server.endpoint()
        assert other.poll() is None
        other.kill()
    found = server.running()
    assert found is not None
    assert found.pid != other.pid


def test_a_cluster_that_was_half_made_is_made_again_and_little_shared_memory_is_enough(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backfill_pipelines.stores.embedded_postgres._LEAST_SHARED", 1 << 60)
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "PG_VERSION").write_text("18")
    with Postgres(embedded=str(folder)).connect("test") as connection:
        assert read_value(connection, "SELECT current_database()") == "coffee_scraper"
        assert read_value(connection, "SHOW dynamic_shared_memory_type") == "mmap"


def test_a_long_state_folder_gets_a_short_socket(folder: Path) -> None:
    deep = folder / ("d" * 60) / ("e" * 60)
    server = EmbeddedPostgres(deep)
    try:
        with Postgres(embedded=str(deep)).connect("test") as connection:
            assert read_value(connection, "SELECT 1") == 1
            socket = Path(str(read_value(connection, "SHOW unix_socket_directories")))
    finally:
        server.stop()
    assert len(os.fsencode(socket / ".s.PGSQL.5432")) <= MOST_SOCKET_BYTES
    assert socket.stat().st_mode & 0o077 == 0
    socket.rmdir()


def test_no_place_for_a_socket_is_a_clear_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    long = tmp_path_factory.mktemp("d" * 90)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    with pytest.raises(ServerNotRunning, match="BACKFILL_STATE_DIR or TMPDIR"):
        EmbeddedPostgres(folder / ("d" * 90)).endpoint()


def test_a_socket_folder_of_somebody_else_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "run").symlink_to(folder.parent)
    with pytest.raises(ServerNotRunning, match="is not ours"):
        EmbeddedPostgres(folder).endpoint()


def test_data_of_another_version_are_named(folder: Path) -> None:
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "PG_VERSION").write_text("12")
    with pytest.raises(ServerNotRunning, match="has no PostgreSQL 12"):
        EmbeddedPostgres(folder).endpoint()


def test_status_and_down_know_it(folder: Path) -> None:
    from backfill_pipelines.cli_services import about_services, stop_services

    settings = Settings(state_dir=folder.parent)  # pyright: ignore[reportCallIssue]
    assert about_services(settings)["postgres"] == "embedded, starts when it is needed"
    EmbeddedPostgres(folder).endpoint()
    assert "host=" in about_services(settings)["postgres"]
    assert any("PostgreSQL server stopped" in line for line in stop_services(settings))
