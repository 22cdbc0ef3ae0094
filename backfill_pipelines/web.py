"""The web UI and its daemon as a child process: started in the foreground, found by a pid file, stopped by pid."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.runner import prepare_home
from backfill_pipelines.settings import PROJECT_ROOT, Settings

_STOP_SECONDS = 30.0


def serve(settings: Settings, port: int) -> int:
    """Run ``dagster dev`` until it ends; returns its exit code.

    Raises:
        BackfillError: the port is taken, or the UI of this state folder runs already.
    """
    running = running_pid(settings)
    if running is not None:
        raise BackfillError(f"the UI of {settings.state_dir} runs already, pid {running}. Repair: backfill down")
    if _is_taken(port):
        raise BackfillError(f"port {port} is taken. Repair: backfill ui --port N, or end what listens there")
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    environment = os.environ | {"DAGSTER_HOME": prepare_home(settings)}
    # A group of its own: one signal reaches webserver, daemon and code server alike.
    process = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, start_new_session=True)  # noqa: S603
    _pid_file(settings).write_text(str(process.pid))
    try:
        return process.wait()
    except KeyboardInterrupt:
        stop(settings)
        return 0
    finally:
        _pid_file(settings).unlink(missing_ok=True)


def running_pid(settings: Settings) -> int | None:
    """Process id of the UI that was started for this state folder; None when it is not running."""
    file = _pid_file(settings)
    if not file.exists():
        return None
    text = file.read_text().strip()
    if not text.isdecimal() or int(text) == 0:
        return None  # written when the disk was full; and pid 0 would be whoever asks
    pid = int(text)
    command = Path(f"/proc/{pid}/cmdline")
    alive = _is_alive(pid) and (not command.exists() or b"dagster" in command.read_bytes())
    return pid if alive else None


def stop(settings: Settings) -> int | None:
    """End the UI of this state folder; returns the pid that was ended, None when none was running."""
    pid = running_pid(settings)
    if pid is None:
        return None
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGINT)
    deadline = time.monotonic() + _STOP_SECONDS
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    if _is_alive(pid):
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
    _pid_file(settings).unlink(missing_ok=True)
    return pid


def _pid_file(settings: Settings) -> Path:
    return settings.state_dir / "ui.pid"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    state = Path(f"/proc/{pid}/stat")
    # A child that has ended and was not waited for is still listed, as a zombie.
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
