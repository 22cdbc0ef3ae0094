"""What the stand-in of the embedding workflows knows: its executions, its script, and the work of an execution.

An execution loads once what waits in the index, as the real finder does, leaves noise out, and writes each row back
with its new status and the index key of it, through the item store. Names stay taken when the stand-in is restarted.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson

from backfill_pipelines.stores.items import Expression, Item, ItemStore, Query

_BATCH = 25
_WAITING, _DONE, _FAILED = "NONE", "SUCCESS", "FAILED"
_PREFIXES = {"line": "LINE#", "word": "WORD#"}
_POLL_SECONDS = 0.02


@dataclass
class WorkflowScript:
    """How executions behave; what is not said here goes well.

    Attributes:
        embed_rate: Lines and words a second of an execution; None for that of the command line.
        stall_after: Rows after which an execution leaves the rest and succeeds.
        fail_rows: So many rows of each execution get the status FAILED.
        hold: Executions run and do nothing until this is taken back.
        ends: Status, error and cause of the next executions, which do nothing.
    """

    embed_rate: float | None = None
    stall_after: int | None = None
    fail_rows: int = 0
    hold: bool = False
    ends: list[list[str]] = field(default_factory=list[list[str]])

    def change(self, values: Mapping[str, Any]) -> None:
        """Take over some values.

        Raises:
            ValueError: a name is unknown.
        """
        if unknown := set(values) - {one.name for one in fields(self)}:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        for name, value in values.items():
            setattr(self, name, value)


@dataclass
class Run:
    """One execution."""

    arn: str
    machine_arn: str
    name: str
    text: str
    status: str
    started_at: float
    ended_at: float | None = None
    error: str = ""
    cause: str = ""
    rows: int = 0


class WorkflowState:
    """Executions of all machines; safe to use from many threads."""

    def __init__(
        self, store_of: Callable[[str], ItemStore], *, embed_rate: float = 5_000.0, folder: Path | None = None
    ) -> None:
        self.script = WorkflowScript()
        self._store_of, self._rate = store_of, embed_rate
        self._file = folder / "executions.json" if folder is not None else None
        self._lock = threading.RLock()
        self._runs: dict[str, Run] = {}
        self._closing = threading.Event()
        self._load()

    def find(self, arn: str) -> Run | None:
        """An execution."""
        with self._lock:
            return self._runs.get(arn)

    def of_machine(self, machine_arn: str, status: str | None) -> list[Run]:
        """Executions of a machine, the newest first."""
        with self._lock:
            found = [run for run in self._runs.values() if run.machine_arn == machine_arn]
        wanted = [run for run in found if status in (None, run.status)]
        return sorted(wanted, key=lambda run: run.started_at, reverse=True)

    def start(self, machine_arn: str, table: str, kind: str, name: str, text: str) -> Run | None:
        """Start an execution; the same one again while it runs; None when the name is taken."""
        arn = f"{machine_arn.replace(':stateMachine:', ':execution:', 1)}:{name}"
        with self._lock:
            if taken := self._runs.get(arn):
                return taken if taken.status == "RUNNING" and taken.text == text else None
            run = self._runs[arn] = Run(arn, machine_arn, name, text, "RUNNING", time.time())
            end = self.script.ends.pop(0) if self.script.ends else None
            self._save()
        thread = threading.Thread(target=self._work, args=(run, table, kind, end), name=name, daemon=True)
        thread.start()
        return run

    def end(self, run: Run, status: str, error: str = "", cause: str = "") -> None:
        """Bring an execution to its end, unless it is there."""
        with self._lock:
            if run.status == "RUNNING":
                run.status, run.error, run.cause, run.ended_at = status, error, cause, time.time()
                self._save()

    def meters(self) -> Mapping[str, Any]:
        """Executions by status, and rows embedded, by machine."""
        with self._lock:
            runs = list(self._runs.values())
        machines = sorted({run.machine_arn for run in runs})
        return {
            arn: {
                "executions": dict(Counter(run.status for run in runs if run.machine_arn == arn)),
                "rows": sum(run.rows for run in runs if run.machine_arn == arn),
            }
            for arn in machines
        }

    def close(self) -> None:
        """Let executions end where they are."""
        self._closing.set()

    def _work(self, run: Run, table: str, kind: str, end: Sequence[str] | None) -> None:
        try:
            while self.script.hold and self._goes_on(run):
                self._closing.wait(_POLL_SECONDS)
            if end is not None:
                self.end(run, *end)
                return
            self._embed(run, self._store_of(table), kind)
            if self._goes_on(run):
                self.end(run, "SUCCEEDED")
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the execution died of
            self.end(run, "FAILED", type(error).__name__, str(error))

    def _embed(self, run: Run, store: ItemStore, kind: str) -> None:
        began, most = time.monotonic(), self.script.stall_after
        for batch in _batches(waiting(store, kind)):
            part = batch if most is None else batch[: max(0, most - run.rows)]
            if not part or not self._goes_on(run):
                return
            failed = max(0, self.script.fail_rows - run.rows)
            statuses = [_FAILED if number < failed else _DONE for number in range(len(part))]
            store.batch_write([embedded(item, status) for item, status in zip(part, statuses, strict=True)])
            run.rows += len(part)
            ahead = run.rows / (self.script.embed_rate or self._rate) - (time.monotonic() - began)
            if ahead > 0:
                self._closing.wait(ahead)

    def _goes_on(self, run: Run) -> bool:
        return run.status == "RUNNING" and not self._closing.is_set()

    def _load(self) -> None:
        """Executions of before; one that was running has died with the process."""
        if self._file is None or not self._file.exists():
            return
        for said in orjson.loads(self._file.read_bytes()):
            run = self._runs[said["arn"]] = Run(**said)
            self.end(run, "FAILED", "States.Runtime", "the stand-in was stopped while the execution ran")

    def _save(self) -> None:
        if self._file is None:
            return
        new = self._file.with_suffix(".new")
        new.write_bytes(orjson.dumps([asdict(run) for run in self._runs.values()]))
        os.replace(new, self._file)  # noqa: PTH105 - atomic


def waiting(store: ItemStore, kind: str) -> Iterator[Item]:
    """Rows that wait, as they are in the table; noise is left out."""
    query = Query(
        partition=("GSI1PK", f"EMBEDDING_STATUS#{_WAITING}"),
        index="GSI1",
        sort_key="GSI1SK",
        begins_with=_PREFIXES[kind],
        where=Expression("#noise <> :yes", {"#noise": "is_noise"}, {":yes": {"BOOL": True}}),
        attributes=("PK", "SK"),
    )
    found = [item for page in store.query(query) for item in page.items]
    for part in _batches(iter(found), 100):
        keys = [{"PK": item["PK"], "SK": item["SK"]} for item in part]
        for item in store.batch_get(keys).items:
            if item.get("embedding_status") == {"S": _WAITING}:
                yield item


def embedded(item: Item, status: str) -> Item:
    """The row with its new status, found under it in the index."""
    return {**item, "embedding_status": {"S": status}, "GSI1PK": {"S": f"EMBEDDING_STATUS#{status}"}}


def _batches(items: Iterator[Item], size: int = _BATCH) -> Iterator[list[Item]]:
    batch: list[Item] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
