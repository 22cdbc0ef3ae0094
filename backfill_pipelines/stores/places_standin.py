"""A local stand-in of the Places API: the same paths, headers, bodies and refusals, and meters of what it answered.

``GET /v1/places/{id}`` is the API; ``/_standin/..`` scripts it and reads its meters. It runs in a process of its own
for a state folder (``embedded_places``) or in a thread of a test (``standin_in_thread``), always on this machine only.
What it knows and counts is in ``places_standin_state``.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backfill_pipelines.stores.places_standin_state import Does, Fault, Script, State, masked, sku_of, unknown_fields
from backfill_pipelines.stores.standins import config_of, served_in_thread

_VALID_ID = re.compile(r"[A-Za-z0-9_-]{10,}")
_SILENCE_SECONDS = 60.0
_DATA_FILE = "places.jsonl"

_NO_MASK = "FieldMask is a required parameter. Set the header 'X-Goog-FieldMask' with a comma separated list of fields."
_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_QUOTA = "Quota exceeded for quota metric 'GetPlaceRequest' and limit 'GetPlaceRequest per {}' of service 'places'."


class _Dropped(Response):
    """An answer that is announced and never sent, so that the connection ends."""

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})


class _Silent(_Dropped):
    """What is left to say after a silence: nothing."""


def standin_app(state: State, folder: Path | None = None) -> Starlette:
    """The application; bodies that are loaded are kept in the folder, if there is one."""
    served = _Served(state, folder)
    return Starlette(
        routes=[
            Route("/v1/places/{place_id}", served.get_place, methods=["GET"]),
            Route("/_standin/script", served.script, methods=["POST"]),
            Route("/_standin/places", served.places, methods=["PUT"]),
            Route("/_standin/reset", served.reset, methods=["POST"]),
            Route("/_standin/meters", served.meters, methods=["GET"]),
            Route("/_standin/log", served.log, methods=["GET"]),
            Route("/_standin/health", served.health, methods=["GET"]),
        ]
    )


class _Served:
    """The endpoints."""

    def __init__(self, state: State, folder: Path | None) -> None:
        self._state = state
        self._folder = folder

    async def get_place(self, request: Request) -> Response:
        state, place_id = self._state, request.path_params["place_id"]
        mask = request.headers.get("X-Goog-FieldMask") or request.query_params.get("fields") or ""
        state.requests += 1
        number = state.requests
        if state.script.latency_seconds:
            await asyncio.sleep(state.script.latency_seconds)
        answer = await _answer(state, request, place_id, mask, number)
        status = 0 if isinstance(answer, _Dropped | _Silent) else answer.status_code
        state.count(number, place_id, mask, status, sku_of(mask) if status == 200 and mask else "")
        return answer

    async def script(self, request: Request) -> Response:
        try:
            self._state.script.change(orjson.loads(await request.body()))
        except (ValueError, TypeError, AttributeError) as error:
            return _error(400, str(error))
        return _json({})

    async def places(self, request: Request) -> Response:
        content = await request.body()
        try:
            count = self._state.load([orjson.loads(line) for line in content.splitlines() if line.strip()])
        except (ValueError, TypeError, KeyError) as error:
            return _error(400, f"one body with an id a line: {error!r}")
        if self._folder is not None:
            kept = self._folder / _DATA_FILE
            kept.write_bytes(b"".join(body + b"\n" for body in self._state.places.values()))
        return _json({"loaded": count})

    async def reset(self, _request: Request) -> Response:
        self._state.reset_meters()
        self._state.script = Script()
        return _json({})

    async def meters(self, _request: Request) -> Response:
        return _json(self._state.meters())

    async def log(self, _request: Request) -> Response:
        return _json(self._state.logged())

    async def health(self, _request: Request) -> Response:
        return _json({})


async def _answer(state: State, request: Request, place_id: str, mask: str, number: int) -> Response:
    """Refusals in Google's order: the script's, the key, the quotas, the mask, the id; then the place."""
    fault = state.script.fault(place_id, number)
    if fault is not None and fault.does in _REFUSALS:
        return await _REFUSALS[fault.does](fault, place_id)
    key = request.headers.get("X-Goog-Api-Key") or request.query_params.get("key")
    if not key:
        return _error(401, "Method doesn't allow unregistered callers. Please use an API key.")
    if key != state.script.key:
        return _error(403, "The caller does not have permission: the API key is not known.")
    if state.is_over_quota():
        return _error(429, _QUOTA.format("day"))
    if state.is_too_fast():
        return _error(429, _QUOTA.format("minute"), retry_after=state.script.retry_after)
    if not mask:
        return _error(400, _NO_MASK)
    if unknown := unknown_fields(mask):
        what = f"Error expanding 'fields' parameter. Cannot find matching fields for path '{unknown[0]}'."
        return _error(400, f"Invalid field mask. {what}")
    if not _VALID_ID.fullmatch(place_id):
        return _invalid_id(place_id)
    place = state.place(place_id)
    if place is None:
        return _not_found()
    return _json(masked(_changed(place, place_id, fault), mask))


def _changed(place: dict[str, Any], place_id: str, fault: Fault | None) -> dict[str, Any]:
    """The place as the script wants it."""
    if fault is None:
        return place
    moved = {"movedPlace": f"places/{fault.value}", "movedPlaceId": fault.value}
    changes: dict[Does, Callable[[], dict[str, Any]]] = {
        Does.MOVED: lambda: {"id": place_id, "name": f"places/{place_id}", **moved},
        Does.MOVED_WITH_PLACE: lambda: place | moved,
        Does.OTHER_ID: lambda: place | {"id": fault.value, "name": f"places/{fault.value}"},
        Does.NO_ID: lambda: {name: value for name, value in place.items() if name != "id"},
        Does.NO_NAME: lambda: {name: value for name, value in place.items() if name != "displayName"},
        Does.NO_LOCATION: lambda: {name: value for name, value in place.items() if name != "location"},
        Does.BAD_LOCATION: lambda: place | {"location": {"latitude": 91.5, "longitude": 200.25}},
    }
    return changes[fault.does]()


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(value), status, headers, "application/json")


def _error(status: int, message: str, *, retry_after: str = "") -> Response:
    name = _STATUS_NAMES.get(status, "UNKNOWN")
    headers = {"Retry-After": retry_after} if retry_after else None
    return _json({"error": {"code": status, "message": message, "status": name}}, status, headers)


def _invalid_id(place_id: str) -> Response:
    return _error(400, f"Not a valid Place ID: {place_id}")


def _not_found() -> Response:
    return _error(404, "The Place ID is no longer valid. Please refresh cached Place IDs.")


async def _silence(fault: Fault, _place_id: str) -> Response:
    await asyncio.sleep(float(fault.value or _SILENCE_SECONDS))
    return _Silent()


def _refusal(make: Callable[[Fault, str], Response]) -> Callable[[Fault, str], Awaitable[Response]]:
    async def answer(fault: Fault, place_id: str) -> Response:
        return make(fault, place_id)

    return answer


_HTML = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
_REFUSALS: dict[Does, Callable[[Fault, str], Awaitable[Response]]] = {
    Does.SILENCE: _silence,
    Does.DROPPED: _refusal(lambda _fault, _id: _Dropped()),
    Does.NOT_FOUND: _refusal(lambda _fault, _id: _not_found()),
    Does.INVALID_ID: _refusal(lambda _fault, place_id: _invalid_id(place_id)),
    Does.HTML: _refusal(lambda _fault, _id: Response(_HTML, media_type="text/html")),
    Does.EMPTY: _refusal(lambda _fault, _id: Response(b"", media_type="application/json")),
    Does.RATE_LIMITED: _refusal(lambda f, _id: _error(429, _QUOTA.format("minute"), retry_after=f.value)),
    Does.DAILY_QUOTA: _refusal(lambda _fault, _id: _error(429, _QUOTA.format("day"))),
    Does.UNAUTHENTICATED: _refusal(lambda _fault, _id: _error(401, "Request had invalid credentials.")),
    Does.FORBIDDEN: _refusal(lambda _fault, _id: _error(403, "The caller does not have permission.")),
    Does.INVALID_KEY: _refusal(lambda _fault, _id: _error(400, "API key not valid. Please pass a valid API key.")),
    Does.BAD_MASK: _refusal(lambda _fault, _id: _error(400, _NO_MASK)),
    Does.STATUS: _refusal(lambda fault, _id: _error(int(fault.value), f"scripted {fault.value}")),
}


@dataclass(frozen=True)
class ServedStandIn:
    """A stand-in in a thread of this process."""

    url: str
    state: State


@contextmanager
def standin_in_thread(script: Script | None = None) -> Iterator[ServedStandIn]:
    """Serve a stand-in on a free port for the block."""
    state = State(script)
    with served_in_thread(standin_app(state), "Places") as url:
        yield ServedStandIn(url, state)


def serve(folder: Path, port: int) -> None:
    """Serve the stand-in of a folder until the process is told to end; bodies loaded before are there again."""
    state = State()
    kept = folder / _DATA_FILE
    if kept.exists():
        state.load(orjson.loads(line) for line in kept.read_bytes().splitlines() if line.strip())
    uvicorn.Server(config_of(standin_app(state, folder), port)).run()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
