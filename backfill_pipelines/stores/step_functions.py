"""Step Functions: executions of a state machine are started by name, found again and watched. boto3, typed errors.

What a machine does, and when it is to run, is the domain's. The embedded stand-in is ``embedded_workflows``.

StoreError
└── StepFunctionsError      base; the request was refused
    ├── MachineMissing      there is no such state machine
    ├── ExecutionMissing    there is no such execution
    ├── WorkflowsDenied     the credentials or their rights are wrong
    └── WorkflowsNoAnswer   throttled, a fault of the server, or no answer: a start may have been accepted

That an execution of the same name exists is no error: it was started before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError
from pydantic import Field

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.aws_clients import shared_client
from backfill_pipelines.stores.embedded_workflows import EmbeddedWorkflows

_ATTEMPTS = 6
_LONGEST_NAME = 80
_FIRST_SERVER_FAULT = 500


class StepFunctionsError(StoreError):
    """Base of all of them."""

    advice = "read the text above; nothing was started"

    def __init__(self, operation: str, about: str, text: str) -> None:
        super().__init__(f"Step Functions: {operation} {about}: {text}. Repair: {self.advice}")
        self.operation = operation


class MachineMissing(StepFunctionsError):
    """There is no such state machine."""

    advice = "set BACKFILL_LINE_WORKFLOW_ARN and BACKFILL_WORD_WORKFLOW_ARN to the machines of the target's stage"


class ExecutionMissing(StepFunctionsError):
    """There is no such execution, or its 90 days are over."""

    advice = "none is needed when it is long over; otherwise start it again in a new round"


class WorkflowsDenied(StepFunctionsError):
    """Credentials are missing, expired or without the right."""

    advice = "check the credentials and that their policy allows states:StartExecution, Describe and List"


class WorkflowsNoAnswer(StepFunctionsError):
    """It is not known whether an execution was started."""

    advice = "run the same command again: the name of an execution is the same, so that none is started twice"


class Status(StrEnum):
    """States of an execution, as the service spells them."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


@dataclass(frozen=True)
class Execution:
    """One execution; ``error`` and ``cause`` are those of one that did not succeed."""

    arn: str
    name: str
    status: Status
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    cause: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it may still change something."""
        return self.status in (Status.RUNNING, Status.PENDING_REDRIVE)

    @property
    def text(self) -> str:
        """Name, status, and why it failed."""
        why = ": ".join(part for part in (self.error, self.cause) if part)
        return f"{self.name} {self.status}{f' ({why[:400]})' if why else ''}"


class StateMachines:
    """All state machines that a client can reach; safe to use from many threads."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def start(self, machine_arn: str, name: str, text: str = "{}") -> str:
        """Start an execution, or find that one of this name was started before; returns its ARN either way.

        Raises:
            MachineMissing: there is no such machine.
            WorkflowsNoAnswer: it may have been started; asking again with the same name is safe.
        """
        if len(name) > _LONGEST_NAME:
            raise StepFunctionsError("StartExecution", name, f"a name has at most {_LONGEST_NAME} characters")
        try:
            return str(self._client.start_execution(stateMachineArn=machine_arn, name=name, input=text)["executionArn"])
        except (ClientError, BotoCoreError) as error:
            if _code(error) == "ExecutionAlreadyExists":
                return execution_arn(machine_arn, name)
            raise _translated(error, "StartExecution", f"{machine_arn} {name}") from error

    def describe(self, arn: str) -> Execution:
        """An execution as it is.

        Raises:
            ExecutionMissing: there is none.
        """
        try:
            return _execution(self._client.describe_execution(executionArn=arn))
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, "DescribeExecution", arn) from error

    def find(self, machine_arn: str, name: str) -> Execution | None:
        """The execution of a machine with this name; None when there is none."""
        try:
            return self.describe(execution_arn(machine_arn, name))
        except ExecutionMissing:
            return None

    def running(self, machine_arn: str) -> list[Execution]:
        """Executions of a machine that have not ended, the newest first.

        Raises:
            MachineMissing: there is no such machine.
        """
        asked: dict[str, Any] = {"stateMachineArn": machine_arn, "statusFilter": "RUNNING"}
        found: list[Execution] = []
        try:
            while True:
                page = self._client.list_executions(**asked)
                found += [_execution(one) for one in page["executions"]]
                if not page.get("nextToken"):
                    return found
                asked["nextToken"] = page["nextToken"]
        except (ClientError, BotoCoreError) as error:
            raise _translated(error, "ListExecutions", machine_arn) from error


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN that an execution of a machine has."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"


class StepFunctions(dg.ConfigurableResource):
    """The state machines of one account and region; connected, or the stand-in started, on first use."""

    region: str = Field(default="us-east-1", description="AWS region of the state machines.")
    endpoint: str | None = Field(default=None, description="URL of a compatible server; None for AWS.")
    embedded: str | None = Field(default=None, description="Folder of the embedded stand-in; None for AWS.")
    embedded_items: str = Field(default="", description="Folder of the embedded server whose tables it works on.")
    environments: str = Field(default="", description="Folder of the environments of local servers.")
    embed_rate: float = Field(default=5_000.0, gt=0, description="Lines and words a second of the stand-in.")

    def machines(self) -> StateMachines:
        """A client; the stand-in is started when it does not run."""
        made_up: dict[str, str] = {}
        endpoint = self.endpoint
        if self.embedded is not None:
            endpoint = self.server().endpoint()
            made_up = {"aws_access_key_id": "embedded", "aws_secret_access_key": "embedded"}
        options: dict[str, Any] = {"region_name": self.region, "endpoint_url": endpoint, **made_up}
        return StateMachines(shared_client("stepfunctions", _ATTEMPTS, **options))

    @property
    def can_run(self) -> bool:
        """Whether an execution may be under way: a stand-in that does not run has none, and is not started for it."""
        return self.embedded is None or self.server().running() is not None

    def server(self) -> EmbeddedWorkflows:
        """The stand-in, not started.

        Raises:
            StoreError: the workflows are AWS's.
        """
        if self.embedded is None:
            raise StoreError("the workflows are not embedded. Repair: BACKFILL_ITEMS=embedded has a stand-in of them")
        items = (Path(self.embedded_items), Path(self.environments or self.embedded_items))
        return EmbeddedWorkflows(Path(self.embedded), *items, embed_rate=self.embed_rate)


def _execution(answer: Mapping[str, Any]) -> Execution:
    return Execution(
        arn=str(answer["executionArn"]),
        name=str(answer["name"]),
        status=Status(answer["status"]),
        started_at=answer.get("startDate"),
        ended_at=answer.get("stopDate"),
        error=str(answer.get("error") or ""),
        cause=str(answer.get("cause") or ""),
    )


def _code(error: ClientError | BotoCoreError) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


_BY_CODE: Mapping[str, type[StepFunctionsError]] = {
    "StateMachineDoesNotExist": MachineMissing,
    "StateMachineDeleting": MachineMissing,
    "ExecutionDoesNotExist": ExecutionMissing,
    "ThrottlingException": WorkflowsNoAnswer,
    "AccessDeniedException": WorkflowsDenied,
    "UnrecognizedClientException": WorkflowsDenied,
    "InvalidClientTokenId": WorkflowsDenied,
    "InvalidSignatureException": WorkflowsDenied,
    "ExpiredTokenException": WorkflowsDenied,
    "MissingAuthenticationTokenException": WorkflowsDenied,
}


def _translated(error: ClientError | BotoCoreError, operation: str, about: str) -> StepFunctionsError:
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return WorkflowsDenied(operation, about, str(error))
    if not isinstance(error, ClientError):
        return WorkflowsNoAnswer(operation, about, f"no answer ({error})")
    answer: Mapping[str, Any] = error.response
    text = f"{_code(error)}: {answer.get('Error', {}).get('Message', '')}"[:600].rstrip(".")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind = _BY_CODE.get(_code(error), WorkflowsNoAnswer if status >= _FIRST_SERVER_FAULT else StepFunctionsError)
    return kind(operation, about, text)
