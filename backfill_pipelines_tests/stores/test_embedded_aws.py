"""The embedded server: one for all processes, kept apart from the outside, its state kept over a stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.embedded_aws import EmbeddedAws, ServerNotRunning
from backfill_pipelines.stores.server_environments import ServerNotInstalled, server_environment
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS
from backfill_pipelines_tests.stores.item_tables import FULL, SPEC, key_of

ASK = """
import sys
from pathlib import Path
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
print(EmbeddedAws(Path(sys.argv[1]), Path(sys.argv[2])).endpoint())
"""


@pytest.fixture
def server(tmp_path: Path, ministack_endpoint: str) -> Iterator[EmbeddedAws]:  # noqa: ARG001
    """A server of its own, not started; where none can be installed the session's fixture skips."""
    found = EmbeddedAws(tmp_path / "aws", ENVIRONMENTS)
    yield found
    found.stop()


def resource(folder: Path) -> DynamoDB:
    return DynamoDB(table="Receipts-test", embedded=str(folder / "aws"), environments=str(ENVIRONMENTS))


def test_tables_and_items_survive_a_stop(server: EmbeddedAws, tmp_path: Path) -> None:
    first = resource(tmp_path)
    first.as_table().ensure(SPEC)
    first.store().put(FULL)
    pid = server.stop()
    assert pid is not None
    assert server.running() is None
    again = resource(tmp_path)
    item = again.store().get(key_of(FULL))
    assert item is not None
    assert item["components"] == FULL["components"]
    assert again.as_table().describe().indexes.keys() == SPEC.indexes.keys()


def test_processes_that_start_together_share_one_server(server: EmbeddedAws, tmp_path: Path) -> None:
    """Two servers of one folder would overwrite each other's state."""
    command = [sys.executable, "-c", ASK, tmp_path / "aws", ENVIRONMENTS]

    def ask(_: int) -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        told = set(pool.map(ask, range(3)))
    found = server.running()
    assert found is not None
    assert told == {found.endpoint}
    assert server.endpoint() == found.endpoint


def test_a_killed_server_is_noticed_and_started_again(server: EmbeddedAws) -> None:
    server.endpoint()
    found = server.running()
    assert found is not None
    os.kill(found.pid, signal.SIGKILL)
    for _ in range(3000):
        if server.running() is None:
            break
        time.sleep(0.02)
    assert server.running() is None
    server.endpoint()
    assert server.running() is not None


def test_the_server_has_none_of_our_variables_and_listens_here_only(
    server: EmbeddedAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("GATEWAY_PORT", "1")
    server.endpoint()
    found = server.running()
    assert found is not None
    environment = Path(f"/proc/{found.pid}/environ")
    if not environment.exists():
        pytest.skip("this system has no /proc to look into a process")
    assert b"very-secret" not in environment.read_bytes()
    listening = [line.split() for line in Path(f"/proc/{found.pid}/net/tcp").read_text().splitlines()[1:]]
    assert {words[1] for words in listening if words[1].endswith(f":{found.port:04X}") and words[3] == "0A"} == {
        f"0100007F:{found.port:04X}"
    }


def test_stopping_what_does_not_run_is_no_error(tmp_path: Path) -> None:
    server = EmbeddedAws(tmp_path / "aws", ENVIRONMENTS)
    assert server.stop() is None
    assert server.running() is None


def test_a_server_that_ends_at_once_is_an_error_with_its_log(tmp_path: Path, ministack_endpoint: str) -> None:  # noqa: ARG001
    (tmp_path / "aws" / "state").mkdir(parents=True)
    (tmp_path / "aws" / "ministack.py").write_text("raise SystemExit('no such luck')")
    with pytest.raises(ServerNotRunning, match=r"ended at once.*no such luck.*Repair"):
        EmbeddedAws(tmp_path / "aws", ENVIRONMENTS).endpoint()


def test_an_environment_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(ServerNotInstalled, match=r"nothing cannot be installed: .*Repair"):
        server_environment(tmp_path, "nothing", ["x==1"], find_python=lambda: str(tmp_path / "no-python"))
    assert not list(tmp_path.glob("*/complete"))
