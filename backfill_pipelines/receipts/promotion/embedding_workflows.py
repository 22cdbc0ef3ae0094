"""The line and the word workflow for the images of one chunk: started by name, one at a time, waited for, tried twice.

A workflow takes all that waits in the table, whoever wrote it; so one that runs already is waited for, not doubled.
Whether the rows are embedded afterwards is judged on the table, in ``embedding``.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from backfill_pipelines.receipts.promotion.embedding_samples import Left
from backfill_pipelines.stores.step_functions import Execution, StateMachines, Status

KINDS = ("line", "word")
#: Failed executions of a workflow before it is given up: the first, and one retry in a new round.
MOST_FAILURES = 2
_INPUT = "{}"


@dataclass(frozen=True)
class Patience:
    """How one waits; the clock and the sleep come from outside."""

    poll_seconds: float = 30.0
    timeout_seconds: float = 7_200.0
    sample_seconds: float = 60.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def until_next_poll(self) -> None:
        """A fifth more or less, so that many who wait do not ask at once."""
        self.sleep(self.poll_seconds * self.uniform(0.8, 1.2))

    def until_next_sample(self) -> None:
        """Never sooner than samples have to be apart."""
        self.sleep(self.sample_seconds * self.uniform(1.0, 1.1))


@dataclass
class Workflows:
    """The workflows of one chunk of a run."""

    machines: StateMachines
    #: The machine of each kind.
    arns: Mapping[str, str]
    run_id: str
    chunk: str
    patience: Patience
    log: Callable[[str], None] = lambda _: None
    #: Asked before each start: nothing may be embedded while somebody else writes the table.
    require_held: Callable[[], None] = lambda: None
    #: Executions that were started or waited for, as they ended.
    seen: list[Execution] = field(default_factory=list[Execution])
    _failures: dict[str, list[Execution]] = field(default_factory=dict[str, list[Execution]])

    def name(self, kind: str, number: int) -> str:
        """The name of a workflow's execution in a round; a name is used once for ever."""
        return f"{self.run_id}-{self.chunk}-{kind}-{number}"

    def run(self, left: Callable[[], Left]) -> str:
        """Let the workflows work as long as something waits; says why it was not brought to an end, if it was not.

        Args:
            left: What waits now.

        Raises:
            StepFunctionsError: a machine is missing, or there is no answer.
            LeaseLost: somebody else may be writing the table.
        """
        deadline = self.patience.clock() + self.patience.timeout_seconds
        done: set[str] = set()
        while True:
            # Before the count: what ended in between has done its work then.
            running = {kind: self.machines.running(self.arns[kind]) for kind in KINDS if kind not in done}
            waiting = left()
            kinds = [kind for kind in running if waiting.of_kind(kind)]
            if not kinds:
                return ""
            flying = {kind: self._flying(kind, running[kind]) for kind in kinds}
            ended = self._waited({one.arn for ones in flying.values() for one in ones}, deadline)
            if still := [one for one in ended.values() if one.is_running]:
                return self._too_long(still[0])
            for kind, ones in flying.items():
                ours = [ended[one.arn] for one in ones if self._is_ours(one, kind)]
                self._failures.setdefault(kind, []).extend(one for one in ours if one.status is not Status.SUCCEEDED)
                if any(one.status is Status.SUCCEEDED for one in ours):
                    done.add(kind)
                if len(self._failures[kind]) >= MOST_FAILURES:
                    return "; ".join(one.text for one in self._failures[kind])

    def wait_until_none_runs(self) -> str:
        """Let executions end that were started by whomever; says which did not."""
        deadline = self.patience.clock() + self.patience.timeout_seconds
        running = [one for kind in KINDS for one in self.machines.running(self.arns[kind])]
        ended = self._waited({one.arn for one in running}, deadline)
        return next((self._too_long(one) for one in ended.values() if one.is_running), "")

    def _is_ours(self, one: Execution, kind: str) -> bool:
        return one.name.startswith(f"{self.run_id}-{self.chunk}-{kind}-")

    def _too_long(self, one: Execution) -> str:
        return f"{one.text} after {self.patience.timeout_seconds / 3_600:g} h; it was not stopped"

    def _flying(self, kind: str, running: Sequence[Execution]) -> Sequence[Execution]:
        """The executions of a workflow that run, or the one that is started now."""
        if running:
            self.log(f"{kind}s: {running[0].text} is waited for")
            return running
        arn, number = self.arns[kind], 1
        while (found := self.machines.find(arn, self.name(kind, number))) is not None and not found.is_running:
            number += 1
        self.require_held()
        started = self.machines.start(arn, self.name(kind, number), _INPUT)
        self.log(f"{kind}s: started {self.name(kind, number)}")
        return [Execution(started, self.name(kind, number), Status.RUNNING)]

    def _waited(self, arns: set[str], deadline: float) -> dict[str, Execution]:
        """The executions once they have ended, or the time is up."""
        ended: dict[str, Execution] = {}
        while True:
            for arn in sorted(arns - ended.keys()):
                found = self.machines.describe(arn)
                if not found.is_running:
                    ended[arn] = found
                    self.seen.append(found)
                    self.log(found.text)
            if not arns - ended.keys():
                return ended
            if self.patience.clock() >= deadline:
                return ended | {arn: self.machines.describe(arn) for arn in arns - ended.keys()}
            self.patience.until_next_poll()
