"""A local stand-in of the embedding workflows: Step Functions' protocol for boto3, and executions that really embed.

``POST /`` with ``X-Amz-Target: AWSStepFunctions.StartExecution | DescribeExecution | ListExecutions | StopExecution``
is the service; ``/_standin/..`` scripts it and reads its meters. It runs in a process of its own for a state folder
(``embedded_workflows``) or in a thread of a test. A machine is ``embedding-infra-{table}-{line|word}-workflow``. What
executions do is in ``workflows_standin_state``.
"""

import argparse
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_resource import client
from backfill_pipelines.stores.dynamodb_wire import item_session
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
from backfill_pipelines.stores.standins import config_of, served_in_thread
from backfill_pipelines.stores.workflows_standin_state import Run, WorkflowState

_MACHINE = re.compile(
    r"arn:aws:states:[\w-]+:\d{12}:stateMachine:embedding-infra-(?P<table>.+)-(?P<kind>line|word)-workflow"
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
_PAGE = 100
_TARGET = "AWSStepFunctions."


class _Refused(Exception):
    """An answer of the service that is an error."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def workflows_app(state: WorkflowState, exists: Callable[[str], bool]) -> Starlette:
    """The application; ``exists`` says whether there is a table."""
    served = _Served(state, exists)
    return Starlette(
        routes=[
            Route("/", served.call, methods=["POST"]),
            Route("/_standin/script", served.script, methods=["POST"]),
            Route("/_standin/meters", served.meters, methods=["GET"]),
            Route("/_standin/health", served.health, methods=["GET"]),
        ]
    )


class _Served:
    """The endpoints."""

    def __init__(self, state: WorkflowState, exists: Callable[[str], bool]) -> None:
        self._state, self._exists = state, exists
        self._operations: Mapping[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
            "StartExecution": self._start,
            "DescribeExecution": self._describe,
            "ListExecutions": self._list,
            "StopExecution": self._stop,
        }

    async def call(self, request: Request) -> Response:
        """One operation of the service."""
        operation = self._operations.get(request.headers.get("X-Amz-Target", "").removeprefix(_TARGET))
        if operation is None:
            return _answer({"__type": "UnknownOperationException"}, 400)
        try:
            return _answer(await run_in_threadpool(operation, orjson.loads(await request.body() or b"{}")))
        except _Refused as refused:
            return _answer({"__type": refused.code, "message": str(refused)}, 400)

    async def script(self, request: Request) -> Response:
        """Change how executions behave."""
        try:
            self._state.script.change(orjson.loads(await request.body()))
        except (ValueError, AttributeError) as error:
            return _answer({"message": str(error)}, 400)
        return _answer({})

    async def meters(self, _request: Request) -> Response:
        """What executions did."""
        return _answer(self._state.meters())

    async def health(self, _request: Request) -> Response:
        """It is there."""
        return _answer({})

    def _start(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        arn, name, text = self._machine(asked), str(asked.get("name") or ""), str(asked.get("input") or "{}")
        table, kind = _parts(arn)
        if not _NAME.fullmatch(name):
            raise _Refused("InvalidName", f"Invalid Name: '{name}'")
        try:
            orjson.loads(text)
        except ValueError as error:
            raise _Refused("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{error}'") from error
        run = self._state.start(arn, table, kind, name, text)
        if run is None:
            taken = f"{arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
            raise _Refused("ExecutionAlreadyExists", f"Execution Already Exists: '{taken}'")
        return {"executionArn": run.arn, "startDate": run.started_at}

    def _describe(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        run = self._run(asked)
        why = {"error": run.error, "cause": run.cause} if run.status not in ("RUNNING", "SUCCEEDED") else {}
        return _listed(run) | {"input": run.text, "output": f'{{"rows": {run.rows}}}'} | why

    def _list(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        runs = self._state.of_machine(self._machine(asked), asked.get("statusFilter"))
        start, size = int(asked.get("nextToken") or 0), int(asked.get("maxResults") or _PAGE)
        more = {"nextToken": str(start + size)} if len(runs) > start + size else {}
        return {"executions": [_listed(run) for run in runs[start : start + size]]} | more

    def _stop(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        run = self._run(asked)
        self._state.end(run, "ABORTED", str(asked.get("error") or ""), str(asked.get("cause") or ""))
        return {"stopDate": run.ended_at}

    def _run(self, asked: Mapping[str, Any]) -> Run:
        arn = str(asked.get("executionArn"))
        if (found := self._state.find(arn)) is None:
            raise _Refused("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        return found

    def _machine(self, asked: Mapping[str, Any]) -> str:
        arn = str(asked.get("stateMachineArn"))
        if not _MACHINE.fullmatch(arn) or not self._exists(_parts(arn)[0]):
            raise _Refused("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
        return arn


def _parts(arn: str) -> tuple[str, str]:
    """The table and what is embedded."""
    found = _MACHINE.fullmatch(arn)
    return (found["table"], found["kind"]) if found else ("", "")


def _listed(run: Run) -> dict[str, Any]:
    ended = {"stopDate": run.ended_at} if run.ended_at is not None else {}
    about = {"executionArn": run.arn, "stateMachineArn": run.machine_arn, "name": run.name, "status": run.status}
    return about | {"startDate": run.started_at} | ended


def _answer(value: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, media_type="application/x-amz-json-1.0")


@dataclass(frozen=True)
class Tables:
    """The tables of an item server; its address is asked for anew each time, since it may have been restarted."""

    endpoint: Callable[[], str]

    def store(self, table: str) -> DynamoItemStore:
        """The items of a table."""
        wire = self._client()
        return DynamoItemStore(table, wire, wire)

    def exists(self, table: str) -> bool:
        """Whether there is such a table."""
        wire = self._client()
        try:
            wire.describe_table(TableName=table)
        except wire.exceptions.ResourceNotFoundException:
            return False
        return True

    def _client(self) -> Any:
        return _client_of(self.endpoint())


_CLIENTS: dict[str, Any] = {}
_MAKING = threading.Lock()


def _client_of(endpoint: str) -> Any:
    with _MAKING:
        if endpoint not in _CLIENTS:
            made_up = {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded"}
            _CLIENTS[endpoint] = client(item_session(), 8, region_name="us-east-1", endpoint_url=endpoint, **made_up)
        return _CLIENTS[endpoint]


@dataclass(frozen=True)
class ServedWorkflows:
    """A stand-in in a thread of this process."""

    url: str
    state: WorkflowState


@contextmanager
def workflows_in_thread(items_endpoint: str, embed_rate: float = 5_000.0) -> Iterator[ServedWorkflows]:
    """Serve a stand-in on a free port for the block, over the tables of an item server."""
    tables = Tables(lambda: items_endpoint)
    state = WorkflowState(tables.store, embed_rate=embed_rate)
    try:
        with served_in_thread(workflows_app(state, tables.exists), "workflows") as url:
            yield ServedWorkflows(url, state)
    finally:
        state.close()


def main() -> None:
    """Serve the stand-in of a folder until the process is told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--folder", "--items", "--environments"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--embed-rate", type=float, required=True)
    asked = parser.parse_args()
    tables = Tables(EmbeddedAws(asked.items, asked.environments).endpoint)
    state = WorkflowState(tables.store, embed_rate=asked.embed_rate, folder=asked.folder)
    uvicorn.Server(config_of(workflows_app(state, tables.exists), asked.port)).run()
    state.close()


if __name__ == "__main__":
    main()
