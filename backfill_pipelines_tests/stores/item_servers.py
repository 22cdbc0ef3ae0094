"""DynamoDB-compatible servers for the tests, and faults on the way to them.

The embedded server is the project's own; moto (PyPI) is the second implementation, in an environment of its own.
Faults are put in by botocore's event hooks, so that the real client builds, signs, sends, retries and parses.
"""

import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from backfill_pipelines.stores.dynamodb_resource import client
from backfill_pipelines.stores.dynamodb_wire import item_session
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
from backfill_pipelines.stores.server_environments import (
    ServerNotInstalled,
    free_port,
    python_of,
    server_environment,
)

ENVIRONMENTS = Path(__file__).parents[2] / ".state" / "servers"
#: What moto[server] needs for DynamoDB; the whole extra is three times as large.
MOTO_PINS = ("moto[dynamodb]==5.2.5", "flask==3.1.3", "flask-cors==6.0.5")
START_SECONDS = 180
#: One for all clients: a session reads the service's description once.
_SESSION = item_session()
#: The server ends with its parent, however that ends: the pipe it reads closes then.
_SERVE_MOTO = """
import os, sys, threading
from moto.server import main
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
main(sys.argv[1:])
"""


@contextmanager
def running_ministack(folder: Path) -> Iterator[str]:
    """URL of the project's embedded server, with its state in the folder."""
    server = EmbeddedAws(folder, ENVIRONMENTS)
    try:
        yield server.endpoint()
    finally:
        server.stop()


@contextmanager
def running_moto(folder: Path) -> Iterator[str]:
    """URL of a moto server, which ends with the block."""
    home = server_environment(ENVIRONMENTS, "moto", MOTO_PINS)
    port = free_port()
    command = [python_of(home), "-c", _SERVE_MOTO, "-H", "127.0.0.1", "-p", port]
    with (
        (folder / "moto.log").open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output) as process,
    ):
        try:
            yield _answering(process, f"http://127.0.0.1:{port}")
        finally:
            process.kill()


def served(server: AbstractContextManager[str]) -> Iterator[str]:
    """The body of a fixture: the URL of a server; the test is skipped where it cannot be installed."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(server)
        except ServerNotInstalled as error:
            pytest.skip(str(error))
        yield url


def connected(endpoint: str, attempts: int = 1) -> Any:
    """A client of a local server, with made-up credentials."""
    return client(
        _SESSION,
        attempts,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106
    )


class Faults:
    """What goes wrong on the way of one client, and what was sent."""

    def __init__(self, wire: Any) -> None:
        self._events = wire.meta.events
        self._added = 0
        self.sent: list[str] = []

    def listen(self, operation: str) -> None:
        """Note every attempt at the operation."""
        self._register("before-send", operation, lambda **_: self.sent.append(operation))

    def answer(self, operation: str, code: str, *, times: int = 10**6, status: int = 400, body: str = "") -> None:
        """Answer the next attempts with an error, without sending them."""
        text = body or f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "injected"}}'

        def refuse(request: Any, **_: Any) -> AWSResponse:
            return AWSResponse(request.url, status, {}, _Raw(text.encode()))

        self._register("before-send", operation, _first(times, refuse))

    def lose_reply(self, operation: str, times: int = 1) -> None:
        """Let the server do the next attempts, and close the connection before its answer."""

        def send_and_close(request: Any, **_: Any) -> None:
            URLLib3Session().send(request)
            raise ConnectionClosedError(endpoint_url=request.url)

        self._register("before-send", operation, _first(times, send_and_close))

    def leave_unprocessed(self, operation: str, keep: int, times: int = 10**6) -> None:
        """Let the server have only the first ``keep`` parts of the next batches; the rest comes back unprocessed."""
        field = "UnprocessedItems" if operation == "BatchWriteItem" else "UnprocessedKeys"

        def cut(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            ((table, asked),) = params["RequestItems"].items()
            parts = asked if isinstance(asked, list) else asked["Keys"]
            options = {} if isinstance(asked, list) else {name: asked[name] for name in asked if name != "Keys"}

            def of(some: list[Any]) -> Any:
                return some if isinstance(asked, list) else {**options, "Keys": some}

            params["RequestItems"] = {table: of(parts[:keep])}
            context["left"] = {table: of(parts[keep:])} if parts[keep:] else {}

        def give_back(parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            if context.get("left"):
                parsed[field] = context["left"]

        self._register("before-parameter-build", operation, _first(times, cut))
        self._register("after-call", operation, give_back)

    def rewrite(self, operation: str, change: Callable[[dict[str, Any]], None], times: int) -> None:
        """Change the next parsed answers."""
        self._register("after-call", operation, _first(times, lambda parsed, **_: change(parsed)))

    def _register(self, event: str, operation: str, handler: Callable[..., Any]) -> None:
        self._added += 1
        self._events.register_first(f"{event}.dynamodb.{operation}", handler, unique_id=f"fault-{self._added}")


class _Raw:
    """A body as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._body


def _first(times: int, handler: Callable[..., Any]) -> Callable[..., Any]:
    left = [times]

    def limited(**arguments: Any) -> Any:
        if left[0] <= 0:
            return None
        left[0] -= 1
        return handler(**arguments)

    return limited


def _answering(process: subprocess.Popen[bytes], url: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/moto-api/data.json", timeout=5):  # noqa: S310
                return url
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"moto does not answer at {url}")
