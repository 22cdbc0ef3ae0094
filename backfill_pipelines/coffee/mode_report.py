"""What came of applying a plan: counts and causes for the ledger, the console and the one message at the end."""

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from backfill_pipelines.coffee.backfill_ledger import LedgerPartition
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.progress import Progress
from backfill_pipelines.stores.postgres import Jsonb, execute

#: Partitions that are named in a text.
NAMED = 20


@dataclass
class ModeReport:
    """How the partitions ended."""

    states: Counter[str] = field(default_factory=Counter[str])
    causes: dict[str, str] = field(default_factory=dict[str, str])
    #: Partitions that had ended well before, or that another worker is at.
    skipped: int = 0
    #: What a pause says that has stopped the backfill; empty when none has.
    paused: str = ""
    #: Observations that were looked at, and rows that were written, by what they are.
    rows: int = 0
    written: Counter[str] = field(default_factory=Counter[str])
    bytes: int = 0
    seconds: Counter[str] = field(default_factory=Counter[str])
    #: What a mode says beyond that: the difference that a full backfill makes, what a validation found.
    more: dict[str, Any] = field(default_factory=dict[str, Any])

    def add(self, partition: LedgerPartition) -> None:
        """Count a partition that came to an end."""
        self.states[partition.state] += 1
        self.rows += int((partition.verdict or {}).get("rows", 0))
        if partition.error:
            self.causes[partition.key] = partition.error

    def add_seconds(self, part: str, seconds: float) -> None:
        """Count time of a part of the work."""
        self.seconds[part] += seconds  # pyright: ignore[reportArgumentType]

    @property
    def is_green(self) -> bool:
        """Nothing failed."""
        return not self.states["failed"]

    def totals(self) -> dict[str, Any]:
        """As ``backfill_runs.totals`` has it."""
        derive = self.seconds["coffee__product_artifacts"]
        publish = self.seconds["coffee__coffees"]
        return {
            "states": dict(self.states),
            "skipped": self.skipped,
            "rows": self.rows,
            "written": dict(self.written),
            "bytes": self.bytes,
            "derive_seconds": round(float(derive), 3),
            "publish_seconds": round(float(publish), 3),
            **self.more,
        }

    def lines(self) -> Iterator[str]:
        """The report in words, each cause with its partitions."""
        counted = ", ".join(f"{count:,} {state}" for state, count in sorted(self.states.items())) or "nothing to do"
        yield f"{counted}; {self.skipped:,} were done before or are held by others"
        written = ", ".join(f"{name} {count:,}" for name, count in self.written.items() if count) or "none"
        yield f"observations looked at: {self.rows:,}; rows written: {written}"
        if self.paused:
            yield f"stopped by a pause, the rest waits: {self.paused}"
        for name, value in self.more.items():
            yield f"{name}: {value}"
        by_cause: dict[str, list[str]] = {}
        for key, cause in self.causes.items():
            by_cause.setdefault(cause, []).append(key)
        for cause, keys in by_cause.items():
            more = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
            yield f"{', '.join(keys[:NAMED])}{more}: {cause}"


def tell_progress(world: ModeWorld, run_id: uuid.UUID, progress: Progress, report: ModeReport) -> None:
    """Keep how far the backfill is where ``status`` finds it, and log it when a line is due."""
    progress.written = report.written.total()
    line = progress.line()
    shown = {"processed": line.processed, "total": line.total, "pct": line.pct, "eta_s": line.eta_s}
    with world.postgres.connect(f"coffee:{run_id}") as connection:
        totals = Jsonb({**report.totals(), "progress": {**shown, "text": line.text}})
        execute(connection, "UPDATE backfill_runs SET totals = %s WHERE id = %s", (totals, run_id))
    if due := progress.due_line():
        world.log(due.text)
