"""How every local stand-in of a service is served, and how its script and meters are reached.

What a stand-in answers is in its own module; a process of a state folder is ``embedded_server``'s.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette

from backfill_pipelines.backfill.failures import StoreError

_START_SECONDS = 30.0
_ANSWER_SECONDS = 30.0


def config_of(app: Starlette, port: int) -> uvicorn.Config:
    """Serve this machine only, quietly; port 0 is a free one."""
    return uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        lifespan="off",
        access_log=False,
        log_level="critical",
        timeout_graceful_shutdown=1,
    )


@contextmanager
def served_in_thread(app: Starlette, name: str) -> Iterator[str]:
    """Serve an app on a free port for the block; gives its URL."""
    server = uvicorn.Server(config_of(app, 0))
    thread = threading.Thread(target=server.run, name=f"{name} stand-in", daemon=True)
    thread.start()
    deadline = time.monotonic() + _START_SECONDS
    while not server.started and time.monotonic() < deadline and thread.is_alive():
        time.sleep(0.005)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def ask(url: str, name: str, method: str, what: str, content: bytes = b"") -> Any:
    """What a stand-in answers about itself: its script, meters or log.

    Raises:
        StoreError: it does not answer, or refuses.
    """
    try:
        with httpx.Client(trust_env=False, timeout=_ANSWER_SECONDS) as http:
            answer = http.request(method, f"{url}/_standin/{what}", content=content)
    except httpx.RequestError as error:
        raise StoreError(f"the {name} stand-in {url} does not answer ({error}). Repair: backfill up") from error
    if answer.status_code != 200:
        raise StoreError(f"the {name} stand-in refused: {answer.text[:300]}. Repair: correct what is sent")
    return orjson.loads(answer.content)
