"""The pid file of the UI: only a process that is the UI is ever taken for it, and ended."""

from pathlib import Path

import pytest

from backfill_pipelines import web
from backfill_pipelines.settings import read_settings


@pytest.mark.parametrize("text", ["", "0", "\n", "-1", "12 34", "no pid"])
def test_a_pid_file_without_a_pid_is_no_running_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A disk that was full leaves it empty; pid 0 would be the shell of whoever types `backfill down`."""
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path))
    (tmp_path / "ui.pid").write_text(text, "utf-8")
    assert web.running_pid(read_settings()) is None
    assert web.stop(read_settings()) is None
