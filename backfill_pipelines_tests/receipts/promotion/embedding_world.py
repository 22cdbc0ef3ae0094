"""A promotion's target with embedding workflows over it, and images that were copied into it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.promotion.embedding import Drained, drain
from backfill_pipelines.receipts.promotion.embedding_workflows import Patience, Workflows
from backfill_pipelines.receipts.promotion.export_reading import read_export
from backfill_pipelines.receipts.promotion.planned_image import PlannedImage
from backfill_pipelines.stores.embedded_workflows import workflow_arns
from backfill_pipelines.stores.step_functions import StateMachines, StepFunctions
from backfill_pipelines.stores.workflows_standin import ServedWorkflows, workflows_in_thread
from backfill_pipelines.stores.workflows_standin_state import WorkflowScript
from backfill_pipelines_tests.receipts.promotion.copy_world import WORDS, Copying, image, wide_export
from backfill_pipelines_tests.receipts.promotion.exports import RULES

#: Of an image: a line and thirty words.
ROWS = 1 + WORDS


def readable(number: int) -> PlannedImage:
    """The number-th image of the copy world, with a line that is no noise."""
    lists = wide_export(number)
    lists["receipt_lines"] = [{**row, "is_noise": False} for row in lists["receipt_lines"]]
    found = read_export(f"{image(number)}.json", json.dumps(lists).encode(), RULES)
    assert isinstance(found, PlannedImage), found
    return found


@dataclass
class Clock:
    """Time that passes when somebody sleeps, and lets the stand-in's threads have a little of it."""

    now: float = 0.0
    #: Called with each sleep, before time passes.
    tick: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.tick()
        self.now += seconds
        time.sleep(0.01)


@dataclass
class Embedding:
    """Workflows over the table of a copy world."""

    target: Copying
    served: ServedWorkflows
    clock: Clock = field(default_factory=Clock)
    log: list[str] = field(default_factory=list[str])

    @property
    def script(self) -> WorkflowScript:
        """How executions behave."""
        return self.served.state.script

    @property
    def resource(self) -> StepFunctions:
        """The state machines as a resource."""
        return StepFunctions(endpoint=self.served.url)

    @property
    def machines(self) -> StateMachines:
        """A client of them."""
        return StateMachines(client_of(self.served.url))

    @property
    def arns(self) -> dict[str, str]:
        """The machines of the table."""
        return dict(workflow_arns(self.target.table))

    def copy(self, *numbers: int) -> list[str]:
        """Copy some images; gives their ids."""
        self.target.run([readable(number) for number in numbers])
        return [image(number) for number in numbers]

    def workflows(self, chunk: str = "00", **choices: Any) -> Workflows:
        """The workflows of a chunk, with time that costs nothing."""
        patience = Patience(clock=lambda: self.clock.now, sleep=self.clock.sleep, uniform=lambda low, _: low, **choices)
        return Workflows(self.machines, self.arns, "pr-1", chunk, patience, self.log.append)

    def drain(self, image_ids: list[str], **choices: Any) -> Drained:
        """Drain a chunk."""
        return drain(self.target.store, image_ids, self.workflows(**choices))

    def held_for(self, polls: int) -> None:
        """Executions do nothing until somebody has waited so many times."""
        self.script.hold, left = True, [polls]

        def tick() -> None:
            left[0] -= 1
            self.script.hold = left[0] > 0

        self.clock.tick = tick

    def executions(self, kind: str) -> dict[str, str]:
        """Executions of a machine: status by name."""
        return {run.name: run.status for run in self.served.state.of_machine(self.arns[kind], None)}

    def rows(self, number: int) -> list[Item]:
        """Lines and words of a copied image."""
        return [item for item in self.target.partition(number).values() if "embedding_status" in item]

    def make_noise(self, number: int) -> str:
        """One word of an image becomes noise, as the reader of receipts would mark it."""
        item = next(one for one in self.rows(number) if one["TYPE"]["S"] == "RECEIPT_WORD")
        self.target.store.put({**item, "is_noise": {"BOOL": True}})
        return item["SK"]["S"]


def client_of(url: str) -> Any:
    """A real client of a stand-in."""
    made_up = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client("stepfunctions", region_name="us-east-1", endpoint_url=url, **made_up)


@contextmanager
def embedding(target: Copying) -> Iterator[Embedding]:
    """Workflows for the block."""
    with workflows_in_thread(target.endpoint, embed_rate=1e6) as served:
        yield Embedding(target, served)
