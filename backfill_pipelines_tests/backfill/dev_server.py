"""A real ``dagster dev`` with webserver, daemon and code server, as child processes of a test."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from backfill_pipelines.stores.server_environments import free_port
from backfill_pipelines_tests.backfill import backfill_defs, queries

PROJECT = Path(__file__).parents[2]
QUICK_TICKS = Path(__file__).parent / "quick_ticks"
SHUTDOWN_SECONDS = 30
_DAGSTER_DEV = (sys.executable, "-m", "dagster", "dev", "-m", backfill_defs.__name__, "-a", "defs", "-d", str(PROJECT))
T = TypeVar("T")


@dataclass(frozen=True)
class DevServer:
    """Where it listens, and the folder of its home and of the toy assets."""

    folder: Path
    port: int

    def ask(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            body = json.dumps({"query": query, "variables": variables})
            connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def finished(self, backfill_id: str, seconds: float = 300) -> queries.Backfill:
        """A backfill when it is over."""

        def over() -> queries.Backfill | None:
            found = queries.backfill(self.ask, backfill_id)
            return found if found.is_over else None

        return self.wait_for(over, f"the end of backfill {backfill_id}", seconds)

    def wait_for(self, question: Callable[[], T | None], what: str, seconds: float) -> T:
        """Asks until there is an answer."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with suppress(OSError, http.client.HTTPException):
                answer = question()
                if answer:
                    return answer
            time.sleep(0.5)
        log = (self.folder / "dagster.log").read_text()[-3000:]
        raise AssertionError(f"waited {seconds} s in vain for {what}\n{log}")


@contextmanager
def dev_server(folder: Path) -> Iterator[DevServer]:
    """Started in a process group of its own, ended as Ctrl-C would end it, and with whatever is left of it."""
    home = folder / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(yaml.safe_dump(_settings(home)))
    backfill_defs.set_red(folder)
    server = DevServer(folder, int(free_port()))
    with (folder / "dagster.log").open("w") as log:
        process = subprocess.Popen(
            [*_DAGSTER_DEV, "-h", "127.0.0.1", "-p", str(server.port)],
            cwd=folder,
            env=_environment(folder, home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_answer_to_ctrl_c,
        )
    try:
        server.wait_for(lambda: queries.repositories(server.ask), "the code location", 300)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(SHUTDOWN_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answer_to_ctrl_c() -> None:
    # A test run in the background ignores it, and children inherit that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _settings(home: Path) -> dict[str, Any]:
    """The project's own dagster.yaml, in another folder, whose queue and whose watch over workers look more often."""
    settings = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    for part in (settings["storage"]["custom"], settings["local_artifact_storage"], settings["compute_logs"]):
        part["config"]["base_dir"] = str(home / Path(part["config"]["base_dir"]).name)
    settings["run_coordinator"]["config"] = {"dequeue_interval_seconds": 1}
    settings["run_monitoring"]["poll_interval_seconds"] = 3
    return settings


def _environment(folder: Path, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DAGSTER_", "PYTEST_"))}
    return kept | {
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(QUICK_TICKS), str(PROJECT)]),
        backfill_defs.FOLDER: str(folder),
    }
