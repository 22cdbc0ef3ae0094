"""A local server for all processes of a state folder: started on demand, found again, stopped gracefully.

It is found by a file with its pid and port, and lives as long as it holds the file ``alive``: a lock that ends with
the process, however that ends. It takes connections from this machine only. Which program it is, its subclasses say.
"""

import fcntl
import json
import os
import signal
import subprocess
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from backfill_pipelines.backfill.failures import StoreBusy, StoreError
from backfill_pipelines.stores.server_environments import free_port

_START_SECONDS = 90.0
_STOP_SECONDS = 120.0
_POLL_SECONDS = 0.05
_ATTEMPTS = 3
_LOG_END = 500

#: Forks, so that the server is nobody's child and no zombie; ends when the server has the lock and has said who it is.
_LAUNCH = """
import fcntl, json, os, signal, sys
folder, port, *command = sys.argv[1:]
for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(name, signal.SIG_DFL)
told, tell = os.pipe()
if os.fork():
    os.close(tell)
    os._exit(0 if os.read(told, 1) else 1)
os.setsid()
lock = os.open(os.path.join(folder, "alive"), os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock, True)
new = os.path.join(folder, "server.json.new")
with open(new, "w") as file:
    json.dump({"pid": os.getpid(), "port": int(port)}, file)
os.replace(new, os.path.join(folder, "server.json"))
os.write(tell, b".")
log = os.open(os.path.join(folder, "server.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
for number, target in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
    os.dup2(target, number)
os.execv(sys.executable, [sys.executable, *command])
"""


class ServerNotRunning(StoreError):
    """The embedded server does not start or does not answer."""


@dataclass(frozen=True)
class RunningServer:
    """A server that is there."""

    pid: int
    port: int

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"


class EmbeddedServer(ABC):
    """The server of one folder; subclasses say which program it is."""

    #: As messages call it; what else may help when it does not start; a path that answers 200.
    name: str
    last_resort: str
    health: str
    #: Which signal ends it in order.
    stop_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    @abstractmethod
    def python(self) -> Path:
        """The Python that runs it, made when it is missing."""

    @abstractmethod
    def arguments(self, port: str) -> Sequence[str]:
        """Arguments of that Python."""

    @abstractmethod
    def variables(self, port: str) -> dict[str, str]:
        """Its own settings and nothing of ours: no credentials, no other server's port, no folder outside."""

    def prepare(self) -> None:  # noqa: B027
        """Make what it needs before it starts; nobody else starts or stops it meanwhile, and it does not run."""

    def port(self) -> str:
        """The port it is to take: a free one."""
        return free_port()

    def address(self, server: RunningServer) -> str:
        """What its clients connect to: its URL."""
        return server.endpoint

    def endpoint(self) -> str:
        """Address of the server, which is started when it does not run.

        Raises:
            ServerNotInstalled: its environment cannot be made.
            ServerNotRunning: it does not start or does not answer.
        """
        found = self.running()
        return self.address(found if found and self.answers(found) else self._start())

    def running(self) -> RunningServer | None:
        """The server of this folder, if it runs; nothing is started."""
        if not self._is_alive():
            return None
        try:
            told = json.loads((self._folder / "server.json").read_text())
        except (OSError, ValueError):  # between its lock and its file
            return None
        return RunningServer(int(told["pid"]), int(told["port"]))

    def stop(self) -> int | None:
        """End the server so that it saves its state; returns its pid, None when none was running.

        Raises:
            StoreBusy: it is still saving.
        """
        if not self._folder.exists():
            return None
        with self._starting_or_stopping():
            found = self.running()
            if found is None:
                return None
            with suppress(ProcessLookupError):  # killed this moment: what it forked lives a little longer
                os.kill(found.pid, self.stop_signal)
            deadline = time.monotonic() + _STOP_SECONDS
            while self._is_alive():
                if time.monotonic() > deadline:
                    raise StoreBusy(
                        f"{self.name}, pid {found.pid}, has not ended within {_STOP_SECONDS:.0f} s. "
                        f"Repair: wait until it has saved its state in {self._folder}; killing it loses that state"
                    )
                time.sleep(_POLL_SECONDS)
            (self._folder / "server.json").unlink(missing_ok=True)
            return found.pid

    def _start(self) -> RunningServer:
        python = self.python()
        with self._starting_or_stopping():
            for _ in range(_ATTEMPTS):
                if not self._is_alive():
                    self._launch(python)
                if started := self._answering():
                    return started
        raise self._not_running("ended at once")

    def _launch(self, python: Path) -> None:
        (self._folder / "tmp").mkdir(exist_ok=True)
        (self._folder / "server.json").unlink(missing_ok=True)
        self.prepare()
        port = self.port()
        command = [str(python), "-c", _LAUNCH, str(self._folder), port, *self.arguments(port)]
        variables = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self._folder),
            "TMPDIR": str(self._folder / "tmp"),
            **self.variables(port),
        }
        try:
            subprocess.run(command, check=True, env=variables, cwd=self._folder)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            raise self._not_running(f"cannot be started with {python} ({error})") from error

    def _answering(self) -> RunningServer | None:
        """The server when it answers; None when it has ended instead, for example because its port was taken."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            found = self.running()
            if found is None or self.answers(found):
                return found
            time.sleep(_POLL_SECONDS)
        raise self._not_running(f"does not answer within {_START_SECONDS:.0f} s")

    def _not_running(self, what: str) -> ServerNotRunning:
        log = self._folder / "server.log"
        end = log.read_text(errors="replace")[-_LOG_END:].strip() if log.exists() else ""
        return ServerNotRunning(
            f"{self.name} of {self._folder} {what}; its log ends: {end or '(nothing)'}. Repair: read "
            f"server.log there; backfill down, then again; {self.last_resort}"
        )

    def _is_alive(self) -> bool:
        """Whether a server holds the lock; shared, so that two who look do not see each other."""
        try:
            with (self._folder / "alive").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @contextmanager
    def _starting_or_stopping(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def answers(self, server: RunningServer) -> bool:
        """Whether it takes requests now."""
        try:
            with urllib.request.urlopen(f"{server.endpoint}{self.health}", timeout=5) as answer:  # noqa: S310
                return answer.status == 200
        except (OSError, HTTPException):
            return False
