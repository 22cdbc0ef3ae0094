"""Instances to run on: Dagster's in-memory one, and SQLite with the batching event storage, as a deployment has it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines_tests.backfill.toy import LedgerTarget

BATCHING = {
    "module": "backfill_pipelines.backfill.event_storage",
    "class": "BatchingSqliteStorage",
}


def batching_storage(folder: Path) -> dict[str, dict[str, object]]:
    """``storage`` of dagster.yaml."""
    return {"custom": {**BATCHING, "config": {"base_dir": str(folder / "storage")}}}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as memory:
        yield memory


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with its SQLite files created: copying them is quicker than Dagster's migrations."""
    folder = tmp_path_factory.mktemp("empty")
    with dg.DagsterInstance.local_temp(str(folder), overrides={"storage": batching_storage(folder)}) as sqlite:
        sqlite.get_runs()
    return folder


@pytest.fixture
def batching_instance(
    tmp_path: Path, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "2000")
    shutil.copytree(empty_home, tmp_path, dirs_exist_ok=True)
    overrides = {"storage": batching_storage(tmp_path), "telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(str(tmp_path), overrides=overrides) as sqlite:
        yield sqlite


@pytest.fixture(params=["instance", "batching_instance"], ids=["in memory", "SQLite in batches"])
def any_instance(request: pytest.FixtureRequest) -> dg.DagsterInstance:
    return request.getfixturevalue(request.param)


@pytest.fixture
def target() -> LedgerTarget:
    return LedgerTarget()
