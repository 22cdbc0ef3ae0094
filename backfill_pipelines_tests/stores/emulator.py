"""A BigQuery emulator (PyPI ``local-bigquery``) as a child process, in an environment of its own.

The emulator needs a newer Python than the project and pins that collide with ours, so it gets a virtual
environment under ``.state/emulators``, made once by pip. What a warehouse must do is not said here.
"""

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backfill_pipelines.stores.server_environments import ServerNotInstalled, free_port, python_of, server_environment

PROJECT = "backfill-contract"
#: local-bigquery 0.4 wants DuckDB 2, whose icu, spatial and ducklake extensions are in no package registry.
PINS = (
    "local-bigquery==0.3.2",
    "duckdb==1.5.5",
    "duckdb-extensions==1.5.5",
    "duckdb-extension-icu==1.5.5",
    "duckdb-extension-spatial==1.5.5",
    "duckdb-extension-ducklake==1.5.5",
)
MINIMUM = (3, 13)
START_SECONDS = 180

_STATE = Path(__file__).parents[2] / ".state" / "emulators"
_IMPORT_EXTENSIONS = """
import duckdb_extensions
for name in ("icu", "spatial", "ducklake"):
    duckdb_extensions.import_extension(name)
"""
#: The server ends with its parent, however that ends: the pipe it reads closes then.
_SERVE = """
import os, sys, threading
from local_bigquery.cli import main
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
main(sys.argv[1:])
"""


class EmulatorError(Exception):
    """No emulator on this machine; the message says what is missing."""


@contextmanager
def running_emulator(data: Path) -> Iterator[str]:
    """URL of an emulator that keeps its files in ``data`` and ends with the block.

    Raises:
        EmulatorError: no Python that can run it, no way to install it, or it did not start.
    """
    home = environment()
    port = free_port()
    arguments = ["--host", "127.0.0.1", "--port", port, "--grpc-port", free_port(), "--project", PROJECT]
    command = [python_of(home), "-c", _SERVE, *arguments, "--data-dir", data, "serve"]
    log = data / "emulator.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=_variables(home)) as process,
    ):
        try:
            yield _answering(process, f"http://127.0.0.1:{port}", log)
        finally:
            process.kill()


def environment() -> Path:
    """Folder of the emulator's environment (``venv``) and of its DuckDB extensions, made when missing.

    Raises:
        EmulatorError: no Python that can run it, or no way to install it.
    """
    last_step = ("-c", _IMPORT_EXTENSIONS)
    try:
        return server_environment(
            _STATE, "local-bigquery", PINS, find_python=find_python, finish=last_step, variables=_variables
        )
    except ServerNotInstalled as error:
        raise EmulatorError(str(error)) from error


def find_python() -> str:
    """A Python that can run the emulator: the named one, else one on the path, else one of pyenv's.

    Raises:
        EmulatorError: there is none.
    """
    named = os.environ.get("BACKFILL_EMULATOR_PYTHON")
    minors = [f"python{MINIMUM[0]}.{minor}" for minor in range(MINIMUM[1], MINIMUM[1] + 4)]
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.1[3-9]*/bin/python"))
    found = (shutil.which(name) for name in [*minors, "python3"])
    for candidate in [named] if named else [*found, *map(str, pyenv)]:
        if candidate and _is_new_enough(candidate):
            return candidate
    raise EmulatorError(
        "no Python >= 3.13 for the BigQuery emulator: set BACKFILL_EMULATOR_PYTHON or put python3.13 on PATH"
    )


def _is_new_enough(python: str) -> bool:
    """Asked of the program itself: a pyenv shim exists for versions that are not active, too."""
    question = [python, "-c", f"import sys; sys.exit(sys.version_info < {MINIMUM})"]
    try:
        return subprocess.run(question, capture_output=True, check=False, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _variables(home: Path) -> dict[str, str]:
    """DuckDB keeps extensions under HOME: the emulator's own, never the user's."""
    return {**os.environ, "HOME": str(home)}


def _answering(process: subprocess.Popen[bytes], url: str, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/bigquery/v2/projects/{PROJECT}/datasets", timeout=5):  # noqa: S310
                return url
        except OSError:
            time.sleep(0.1)
    raise EmulatorError(f"the BigQuery emulator does not answer; its log ends: {log.read_text()[-500:]}")
