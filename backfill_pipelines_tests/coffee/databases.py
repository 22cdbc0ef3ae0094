"""A PostgreSQL for tests: one embedded server a session, databases copied from one that is migrated."""

import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from backfill_pipelines.coffee.migrations import migrate
from backfill_pipelines.stores.embedded_postgres import EmbeddedPostgres
from backfill_pipelines.stores.postgres import Connection, Postgres, execute

TEMPLATE = "coffee_template"
#: Nothing of a test has to survive the machine.
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder that the server's OS user may pass through and whose sockets have short names."""
    folder = Path(tempfile.mkdtemp(prefix="coffee-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


#: Stops a server when the process that tells it its pid has ended, however that ended: the pipe it reads closes then.
_WATCH = """
import os, shutil, signal, sys
if sys.stdin.read():
    sys.exit()
os.kill(int(sys.argv[1]), signal.SIGINT)
shutil.rmtree(sys.argv[2], ignore_errors=True)
"""


@contextmanager
def watched(server: EmbeddedPostgres, folder: Path) -> Iterator[None]:
    """A running server that does not outlive this process, even if that is killed."""
    found = server.running()
    assert found is not None
    command = [sys.executable, "-c", _WATCH, str(found.pid), str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as watcher:
        try:
            yield
        finally:
            server.stop()
            watcher.communicate(b"stopped")


@contextmanager
def running_server() -> Iterator[Path]:
    """Folder of a server that runs, with the migrated template."""
    with short_folder() as folder:
        server = EmbeddedPostgres(folder, QUICK)
        server.endpoint()
        with watched(server, folder):
            migrate(Postgres(embedded=str(folder), database=TEMPLATE))
            yield folder


@contextmanager
def fresh_database(folder: Path, template: str = TEMPLATE) -> Iterator[Postgres]:
    """A database of the server that no other test has touched; dropped at the end."""
    name = f"coffee_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    maintenance = EmbeddedPostgres(folder).endpoint()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    try:
        yield Postgres(embedded=str(folder), database=name)
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def insert(connection: Connection, table: str, **values: Any) -> None:
    """Insert one row, by column."""
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    execute(connection, f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
