"""The embedded stand-in of the Places API: one process for a state folder, and what scripts it from outside."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from backfill_pipelines.settings import PROJECT_ROOT
from backfill_pipelines.stores.embedded_server import EmbeddedServer
from backfill_pipelines.stores.standins import ask


class EmbeddedPlaces(EmbeddedServer):
    """The stand-in of one folder; bodies loaded into it outlive it, its meters do not."""

    name = "the embedded Places stand-in"
    health = "/_standin/health"
    last_resort = "it needs nothing but this project's own Python environment"

    def python(self) -> Path:
        """Ours: the stand-in is part of this project."""
        return Path(sys.executable)

    def arguments(self, port: str) -> Sequence[str]:
        """The stand-in of this folder on this port."""
        return ("-m", "backfill_pipelines.stores.places_standin", str(self._folder), port)

    def variables(self, port: str) -> dict[str, str]:  # noqa: ARG002
        """Where the project is."""
        return {"PYTHONPATH": str(PROJECT_ROOT)}


class StandInControl:
    """Scripts a stand-in and reads its meters, wherever it runs."""

    def __init__(self, url: str) -> None:
        self._url = url

    def load(self, bodies: Iterable[Mapping[str, Any]]) -> int:
        """Answer with these bodies, each for its ``id``; says how many were loaded."""
        content = b"".join(orjson.dumps(body) + b"\n" for body in bodies)
        return int(self._send("PUT", "places", content)["loaded"])

    def script(self, **values: Any) -> None:
        """Change how it behaves; the names are those of ``places_standin_state.Script``."""
        self._send("POST", "script", orjson.dumps(values, option=orjson.OPT_NON_STR_KEYS))

    def reset(self) -> None:
        """Meters, log and script from the beginning; places stay."""
        self._send("POST", "reset")

    def meters(self) -> Mapping[str, Any]:
        """Requests, answers by status, billable answers by SKU."""
        return self._send("GET", "meters")

    def log(self) -> list[Mapping[str, Any]]:
        """Every request with its answer."""
        return self._send("GET", "log")

    def _send(self, method: str, what: str, content: bytes = b"") -> Any:
        return ask(self._url, "Places", method, what, content)
