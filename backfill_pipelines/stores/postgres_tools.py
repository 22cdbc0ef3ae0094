"""PostgreSQL's own tools, ``pg_dump`` and ``pg_restore``, of the server's major version and no other.

The embedded server brings its own; those of a real server are looked for on PATH. Passwords go to them through the
environment, never on a command line.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.postgres import Connection, Postgres

_VERSION = re.compile(r"\(PostgreSQL\) (?P<text>(?P<major>\d+)\S*)")
#: A dump that waits longer than this for a table, because somebody migrates it, is given up.
_LOCK_WAIT = "60s"
#: What a failed tool said is shown up to this many characters.
_SHOWN = 2_000


class ToolsRefused(StoreError):
    """There are no tools of the server's version."""


class ToolFailed(StoreError):
    """A tool ended with an error; what it said is in the message."""


@dataclass(frozen=True)
class PostgresTools:
    """The tools of one server; ``version`` is theirs, its major version the server's."""

    postgres: Postgres
    folder: Path
    version: str

    def dump(self, path: Path, snapshot: str) -> None:
        """Dump the database as an exported snapshot sees it, in the custom format; shadow schemas are left out.

        Raises:
            ToolFailed: the dump ended with an error; the file is not to be used.
        """
        options = ("-Fc", f"--snapshot={snapshot}", f"--lock-wait-timeout={_LOCK_WAIT}", "--exclude-schema=shadow_*")
        self._run("pg_dump", *options, f"--file={path}")

    def restore(self, path: Path) -> None:
        """Restore a dump into the database, which is empty: all of it or nothing.

        Raises:
            ToolFailed: the dump is damaged, or the database is not empty.
        """
        self._run("pg_restore", "--exit-on-error", "--single-transaction", "--no-owner", str(path))

    def _run(self, name: str, *arguments: str) -> None:
        named = conninfo_to_dict(self.postgres.conninfo())
        password = named.pop("password", None)
        target = make_conninfo("", **named)
        variables = {**os.environ, "PGAPPNAME": f"coffee:{name}", **({"PGPASSWORD": str(password)} if password else {})}
        command = [str(self.folder / name), "--no-password", f"--dbname={target}", *arguments]
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            said = done.stderr.strip()[:_SHOWN] or "it said nothing"
            raise ToolFailed(f"{name} of {self.postgres.where} ended with {done.returncode}: {said}")


def tools_of(postgres: Postgres, connection: Connection) -> PostgresTools:
    """The tools of the server that the connection is to.

    Raises:
        ToolsRefused: there are none, or they are of another major version than the server.
    """
    major = connection.info.server_version // 10_000
    folder = postgres.embedded_server.tools if postgres.embedded is not None else _on_path(major)
    found = {name: _version(folder / name) for name in ("pg_dump", "pg_restore")}
    for name, match in found.items():
        if int(match["major"]) != major:
            raise ToolsRefused(
                f"{folder / name} is of PostgreSQL {match['major']}, {postgres.where} is {major}: a dump by another "
                f"version need not restore. Repair: put the tools of PostgreSQL {major} first on PATH"
            )
    return PostgresTools(postgres, folder, found["pg_dump"]["text"])


def _on_path(major: int) -> Path:
    found = shutil.which("pg_dump")
    if found is None or shutil.which("pg_restore") is None:
        raise ToolsRefused(
            f"pg_dump and pg_restore are not on PATH. Repair: install the client tools of PostgreSQL {major}"
        )
    return Path(found).parent


def _version(tool: Path) -> re.Match[str]:
    try:
        said = subprocess.run([str(tool), "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise ToolsRefused(f"{tool} does not run: {error}. Repair: install PostgreSQL's client tools") from error
    match = _VERSION.search(said)
    if match is None:
        raise ToolsRefused(f"{tool} does not say its version: {said!r}. Repair: install PostgreSQL's own tools")
    return match
