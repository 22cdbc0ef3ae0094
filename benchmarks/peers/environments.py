"""Each peer in a virtual environment of its own, with its pins, made by pip when it is first needed."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb

#: dbt-core stays below 1.11. dbt gets our DuckDB, and exactly ours: 2.0.1 rounds ties of doubles otherwise than 2.0.0
#: (0.5375 to 0.537, not 0.538), so its rows would differ. SQLMesh allows no DuckDB 2.x.
PINS = {
    "sqlmesh": ("sqlmesh==0.236.4", "duckdb==1.5.6"),
    "dbt": ("dbt-core==1.10.23", "dbt-duckdb==1.11.1", f"duckdb=={duckdb.__version__}"),
}


class PeerMissingError(Exception):
    """A peer that cannot be installed, with the reason."""


def installed(peer: str, root: Path) -> Path:
    """The folder of the peer's programs; installs it unless it is there with these pins.

    Raises:
        PeerMissingError: pip could not install it.
    """
    folder, wanted = root / peer, "\n".join(PINS[peer])
    ready = folder / "installed.txt"
    if not ready.exists() or ready.read_text("utf-8") != wanted:
        _run([sys.executable, "-m", "venv", "--clear", str(folder)])
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, *PINS[peer]])
        ready.write_text(wanted, "utf-8")
    return folder / "bin"


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
        raise PeerMissingError(lines[-1])
