"""The embedded stand-in of the embedding workflows: one process for a state folder, and what scripts it from outside.

Each table of the embedded item server has two machines, named after it; ``workflow_arns`` says how.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from backfill_pipelines.settings import PROJECT_ROOT
from backfill_pipelines.stores.embedded_server import EmbeddedServer
from backfill_pipelines.stores.standins import ask

_MACHINE = "arn:aws:states:{region}:000000000000:stateMachine:embedding-infra-{stage}-{kind}-workflow"


def workflow_arns(stage: str, region: str = "us-east-1") -> Mapping[str, str]:
    """The machines of a stage by what they embed, line and word; the stand-in's stage is the name of a table."""
    return {kind: _MACHINE.format(region=region, stage=stage, kind=kind) for kind in ("line", "word")}


class EmbeddedWorkflows(EmbeddedServer):
    """The stand-in of one folder; it writes to the tables of one embedded item server."""

    name = "the embedded stand-in of the embedding workflows"
    health = "/_standin/health"
    last_resort = "it needs nothing but this project's own Python environment"

    def __init__(self, folder: Path, items: Path, environments: Path, *, embed_rate: float) -> None:
        super().__init__(folder)
        self._items, self._environments = items.absolute(), environments.absolute()
        self._rate = embed_rate

    def python(self) -> Path:
        """Ours: the stand-in is part of this project."""
        return Path(sys.executable)

    def arguments(self, port: str) -> Sequence[str]:
        """The stand-in of this folder on this port, working on the item server's tables at a rate."""
        place = ("--folder", str(self._folder), "--port", port, "--embed-rate", str(self._rate))
        items = ("--items", str(self._items), "--environments", str(self._environments))
        return ("-m", "backfill_pipelines.stores.workflows_standin", *place, *items)

    def variables(self, port: str) -> dict[str, str]:  # noqa: ARG002
        """Where the project is."""
        return {"PYTHONPATH": str(PROJECT_ROOT)}


class WorkflowsControl:
    """Scripts a stand-in and reads its meters, wherever it runs."""

    def __init__(self, url: str) -> None:
        self._url = url

    def script(self, **values: Any) -> None:
        """Change how it behaves; the names are those of ``workflows_standin_state.WorkflowScript``."""
        self._send("POST", "script", orjson.dumps(values))

    def meters(self) -> Mapping[str, Any]:
        """Executions by status, and rows that were embedded, by machine."""
        return self._send("GET", "meters")

    def _send(self, method: str, what: str, content: bytes = b"") -> Any:
        return ask(self._url, "workflows", method, what, content)
