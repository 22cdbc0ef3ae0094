"""A Places API in this process: bodies by id, a script of refusals, and what was asked. For tests of the writer."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backfill_pipelines.stores.places import Answer


def refusal(status: int, name: str, message: str) -> Answer:
    """An error as Google words it."""
    body = {"error": {"code": status, "message": message, "status": name}}
    return Answer(status, json.dumps(body).encode())


@dataclass
class FakePlaces:
    """What the ``places`` resource and its client are, in one."""

    bodies: Mapping[str, Mapping[str, Any]]
    #: Answers instead of bodies, by id.
    script: dict[str, Answer] = field(default_factory=dict)
    #: From this call on everything is answered like this.
    after: tuple[int, Answer] | None = None
    asked: Counter[str] = field(default_factory=Counter)
    on_call: Callable[[str], None] = lambda _: None
    _lock: Any = field(default_factory=threading.Lock)

    def client(self) -> "FakePlaces":
        return self

    def get(self, place_id: str, field_mask: str) -> Answer:  # noqa: ARG002
        with self._lock:
            self.asked[place_id] += 1
            number = self.asked.total()
        self.on_call(place_id)
        if self.after is not None and number > self.after[0]:
            return self.after[1]
        if place_id in self.script:
            return self.script[place_id]
        if place_id not in self.bodies:
            return refusal(404, "NOT_FOUND", "Place not found")
        return Answer(200, json.dumps({**self.bodies[place_id], "id": place_id}).encode())
