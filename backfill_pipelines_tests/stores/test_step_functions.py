"""Step Functions through the real client: names are used once, errors have types, and the stand-in keeps its word."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.receipts.try_out import SPEC
from backfill_pipelines.stores.dynamodb_tables import DynamoTable
from backfill_pipelines.stores.embedded_workflows import WorkflowsControl, workflow_arns
from backfill_pipelines.stores.step_functions import (
    ExecutionMissing,
    MachineMissing,
    StateMachines,
    Status,
    StepFunctions,
    StepFunctionsError,
    WorkflowsDenied,
    WorkflowsNoAnswer,
    execution_arn,
)
from backfill_pipelines.stores.workflows_standin import Tables, workflows_in_thread
from backfill_pipelines.stores.workflows_standin_state import WorkflowState
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS, connected

ARNS = workflow_arns("Workflows")
_SECONDS = 120.0


@pytest.fixture(scope="module")
def url(ministack_endpoint: str) -> Iterator[str]:
    """A stand-in over an empty table."""
    DynamoTable("Workflows", connected(ministack_endpoint)).ensure(SPEC)
    with workflows_in_thread(ministack_endpoint) as served:
        yield served.url


def client_of(url: str) -> Any:
    """A real client."""
    made_up = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("stepfunctions", region_name="us-east-1", endpoint_url=url, **made_up)


@pytest.fixture
def machines(url: str) -> Iterator[StateMachines]:
    """A client of the stand-in, whose script is the usual one again afterwards."""
    yield StateMachines(client_of(url))
    WorkflowsControl(url).script(hold=False, ends=[])


def ended(machines: StateMachines, arn: str) -> Status:
    """How an execution ends."""
    deadline = time.monotonic() + _SECONDS
    while (found := machines.describe(arn)).is_running and time.monotonic() < deadline:
        time.sleep(0.01)
    return found.status


def test_an_execution_is_started_described_and_listed_while_it_runs(machines: StateMachines, url: str) -> None:
    WorkflowsControl(url).script(hold=True)
    arn = machines.start(ARNS["line"], "one-1")
    assert arn == execution_arn(ARNS["line"], "one-1")
    found = machines.describe(arn)
    assert (found.name, found.status, found.ended_at) == ("one-1", Status.RUNNING, None)
    assert found.started_at is not None
    assert [one.name for one in machines.running(ARNS["line"])] == ["one-1"]
    assert machines.running(ARNS["word"]) == []
    WorkflowsControl(url).script(hold=False)
    assert ended(machines, arn) is Status.SUCCEEDED
    assert machines.running(ARNS["line"]) == []


def test_a_name_that_was_used_means_that_it_was_started_before(machines: StateMachines) -> None:
    arn = machines.start(ARNS["line"], "two-1")
    ended(machines, arn)
    assert machines.start(ARNS["line"], "two-1") == arn
    found = machines.find(ARNS["line"], "two-1")
    assert found is not None
    assert found.arn == arn
    assert machines.find(ARNS["line"], "never") is None


@pytest.mark.parametrize("status", [Status.FAILED, Status.TIMED_OUT, Status.ABORTED])
def test_why_an_execution_failed_is_told(machines: StateMachines, url: str, status: Status) -> None:
    WorkflowsControl(url).script(ends=[[str(status), "Some.Error", "because"]])
    arn = machines.start(ARNS["word"], f"three-{status}")
    assert ended(machines, arn) is status
    assert machines.describe(arn).text == f"three-{status} {status} (Some.Error: because)"


def test_many_running_executions_are_listed_over_all_pages(machines: StateMachines, url: str) -> None:
    WorkflowsControl(url).script(hold=True)
    names = {machines.start(ARNS["line"], f"page-{number}") for number in range(103)}
    assert {one.arn for one in machines.running(ARNS["line"])} == names
    WorkflowsControl(url).script(hold=False)


def test_a_machine_or_an_execution_that_is_not_there_has_its_own_error(machines: StateMachines) -> None:
    with pytest.raises(MachineMissing, match="BACKFILL_LINE_WORKFLOW_ARN"):
        machines.start(workflow_arns("NoSuchTable")["line"], "x")
    with pytest.raises(MachineMissing):
        machines.running("arn:aws:states:us-east-1:000000000000:stateMachine:other")
    with pytest.raises(ExecutionMissing):
        machines.describe(execution_arn(ARNS["line"], "never"))


def test_a_name_that_is_too_long_is_said_before_it_is_sent(machines: StateMachines) -> None:
    with pytest.raises(StepFunctionsError, match="at most 80"):
        machines.start(ARNS["line"], "x" * 81)
    with pytest.raises(StepFunctionsError, match="InvalidName"):
        machines.start(ARNS["line"], "no spaces")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDeniedException", 400, WorkflowsDenied),
        ("ExpiredTokenException", 400, WorkflowsDenied),
        ("ThrottlingException", 400, WorkflowsNoAnswer),
        ("InternalFailure", 500, WorkflowsNoAnswer),
        ("StateMachineDeleting", 400, MachineMissing),
        ("InvalidArn", 400, StepFunctionsError),
    ],
)
def test_errors_of_the_service_have_types(url: str, code: str, status: int, kind: type[StepFunctionsError]) -> None:
    wire = client_of(url)
    wire.meta.config.retries["total_max_attempts"] = 1
    wire.meta.events.register_first(
        "before-call.sfn.StartExecution",
        lambda **_: (type("Answer", (), {"status_code": status})(), _error(code, status)),
    )
    with pytest.raises(kind) as caught:
        StateMachines(wire).start(ARNS["line"], "x")
    assert type(caught.value) is kind
    assert "Repair: " in str(caught.value)


def _error(code: str, status: int) -> dict[str, Any]:
    return {"Error": {"Code": code, "Message": "injected"}, "ResponseMetadata": {"HTTPStatusCode": status}}


def test_no_answer_says_that_asking_again_is_safe() -> None:
    with pytest.raises(WorkflowsNoAnswer, match="none is started twice"):
        StateMachines(client_of("http://127.0.0.1:9")).running(ARNS["line"])


def test_names_stay_taken_when_the_stand_in_is_restarted(ministack_endpoint: str, tmp_path: Path) -> None:
    tables = Tables(lambda: ministack_endpoint)
    first = WorkflowState(tables.store, folder=tmp_path)
    first.script.hold = True
    run = first.start(ARNS["line"], "Workflows", "line", "kept-1", "{}")
    assert run is not None
    first.close()
    second = WorkflowState(tables.store, folder=tmp_path)
    assert second.start(ARNS["line"], "Workflows", "line", "kept-1", "{}") is None
    again = second.find(run.arn)
    assert again is not None
    assert (again.status, again.error) == ("FAILED", "States.Runtime")


def test_the_stand_in_of_a_state_folder_starts_when_it_is_needed(
    ministack_state: Path, ministack_endpoint: str, tmp_path: Path
) -> None:
    DynamoTable("Workflows", connected(ministack_endpoint)).ensure(SPEC)
    resource = StepFunctions(
        embedded=str(tmp_path / "workflows"),
        embedded_items=str(ministack_state / "aws"),
        environments=str(ENVIRONMENTS),
    )
    try:
        arn = resource.machines().start(ARNS["line"], "embedded-1")
        assert ended(resource.machines(), arn) is Status.SUCCEEDED
        assert WorkflowsControl(resource.server().endpoint()).meters()[ARNS["line"]] == {
            "executions": {"SUCCEEDED": 1},
            "rows": 0,
        }
    finally:
        assert resource.server().stop() is not None


def test_aws_has_no_stand_in_and_a_script_that_is_unknown_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="not embedded"):
        StepFunctions().server()
    with pytest.raises(StoreError, match="unknown: speed"):
        WorkflowsControl(url).script(speed=3)
