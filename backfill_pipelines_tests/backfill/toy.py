"""A toy store and the gated assets over it: small enough to read, with knobs for everything that can go wrong."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from backfill_pipelines.backfill.admission import Admission, HistoryCheck, PhaseGate, Upstream
from backfill_pipelines.backfill.automation import cascade
from backfill_pipelines.backfill.failures import ReadBackError
from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import GatedSpec
from backfill_pipelines.backfill.gates import Gate, Measurement, all_measured
from backfill_pipelines.backfill.outcome import Decision, RangeOutcome, StagedPartition, State

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-03-01")

POINTS = Gate("points_add_up", "Player points equal the score.", "Load the box score again.")
STARTERS = Gate("five_starters_a_team", "Every team has five starters.", "Load the lineups again.")
SOURCE = Gate("primary_source_was_used", "No fallback.", "Nothing to do.", blocking=False)
GATES = (POINTS, STARTERS, SOURCE)


class Broken(RuntimeError):
    """Stands for infrastructure that breaks, such as a lost connection."""


class Killed(BaseException):
    """Stands for a worker that dies on the spot: nothing in the run can catch it."""


@dataclass
class LedgerTarget:
    """A store in memory that implements ``RangeTarget``; the knobs say what goes wrong in it."""

    #: Gate name -> partitions that violate it.
    red: dict[str, set[str]] = field(default_factory=dict)
    #: Gate name -> partitions that the gate returns nothing for.
    unmeasured: dict[str, set[str]] = field(default_factory=dict)
    #: Partitions of which a row is lost between staging and publishing.
    loses: set[str] = field(default_factory=set)
    #: ``stage``, ``measure``, ``publish`` or ``record``: the step after which ``crash`` is raised, once.
    crash_after: str = ""
    crash: type[BaseException] = Broken
    #: What the source says of a partition; those not named say "v1".
    source: dict[str, str] = field(default_factory=dict)

    staged: dict[str, StagedPartition] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    computed: list[list[str]] = field(default_factory=list)
    written: list[list[str]] = field(default_factory=list)
    history: list[RangeOutcome] = field(default_factory=list)
    admissions: list[Admission] = field(default_factory=list)

    @contextmanager
    def open(self, context: dg.AssetExecutionContext, admission: Admission) -> Iterator["LedgerTarget"]:  # noqa: ARG002
        self.admissions.append(admission)
        yield self

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        self.computed.append(list(partitions))
        self.staged |= {p: StagedPartition(p, State.COMPLETE, 3, self._digest(p)) for p in partitions}
        self._perhaps_crash("stage")
        return {p: self.staged[p] for p in partitions}

    def measure(self, gate: Gate, partitions: Sequence[str]) -> Mapping[str, Measurement]:
        red, silent = self.red.get(gate.name, set()), self.unmeasured.get(gate.name, set())
        self._perhaps_crash("measure")
        return {
            p: all_measured(1 if p in red else 0, 3, [f"game {p}/LAL"] if p in red else [])
            for p in partitions
            if p not in silent
        }

    def publish(self, partitions: Sequence[str], *, force: bool) -> Mapping[str, Decision]:
        changed = [p for p in partitions if force or self.published.get(p) != self._digest(p)]
        lost = sorted(self.loses & set(changed))
        if lost:
            raise ReadBackError(f"read back 2 rows, staged 3, of {', '.join(lost)}")
        self.published |= {p: self._digest(p) for p in changed}
        self.written.append(changed)
        for p in partitions:
            self.staged.pop(p, None)
        self._perhaps_crash("publish")
        return {p: Decision.PUBLISHED if p in changed else Decision.ALREADY_DONE for p in partitions}

    def record(self, outcome: RangeOutcome) -> None:
        self.history.append(outcome)
        self._perhaps_crash("record")

    def run_metadata(self) -> Mapping[str, Any]:
        return {"backfill/preview": dg.MetadataValue.md("| game | points |")}

    def _digest(self, partition: str) -> str:
        return f"{partition} {self.source.get(partition, 'v1')}"

    def _perhaps_crash(self, step: str) -> None:
        if self.crash_after == step:
            self.crash_after = ""
            raise self.crash(f"connection lost after {step}")


def toy_asset(
    name: str,
    opened: Callable[[dg.AssetExecutionContext, Admission], AbstractContextManager[Any]],
    *reads: dg.AssetsDefinition | Upstream,
    partitions_def: dg.PartitionsDefinition[Any] = DAYS,
    per_run: int = 100,
    history: HistoryCheck | None = None,
    phase_gate: PhaseGate | None = None,
    cascades: bool = False,
    pool: str | None = None,
) -> dg.AssetsDefinition:
    """A gated asset ``toy/<name>``; give assets of one chain different ``per_run``."""
    upstreams = [read if isinstance(read, Upstream) else Upstream(read.key) for read in reads]
    return gated_asset(
        GatedSpec(
            dg.AssetKey(["toy", name]),
            f"Toy {name}.",
            "toy",
            GATES,
            upstreams,
            history=history,
            phase_gate=phase_gate,
            automation_condition=cascade() if cascades else None,
            pool=pool,
        ),
        partitions_def=partitions_def,
        partitions_per_run=per_run,
        open_target=opened,
        required_resource_keys=set(),
    )


def run_range(
    instance: dg.DagsterInstance,
    assets: dg.AssetsDefinition | Sequence[dg.AssetsDefinition],
    first: str,
    last: str,
    **config: Any,
) -> dg.ExecuteInProcessResult:
    """One range run, as a backfill chunk, a sensor or the UI would start it."""
    chosen = [assets] if isinstance(assets, dg.AssetsDefinition) else list(assets)
    return dg.materialize(
        chosen,
        instance=instance,
        tags={ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last},
        run_config={"ops": {asset.op.name: {"config": config} for asset in chosen}},
        raise_on_error=False,
    )


def check(asset: dg.AssetsDefinition, name: str) -> dg.AssetCheckKey:
    """The check of a gate of an asset."""
    return dg.AssetCheckKey(asset.key, name)


def failure_text(result: dg.ExecuteInProcessResult, asset: dg.AssetsDefinition) -> str:
    """What the failed step says, and the exception behind it."""
    failed = result.failure_data_for_node(asset.op.name)
    assert failed is not None
    if failed.user_failure_data is not None:
        return str(failed.user_failure_data.description)
    assert failed.error is not None
    return failed.error.to_string()


def materialized(instance: dg.DagsterInstance, asset: dg.AssetsDefinition) -> list[str]:
    """Partitions of all materialisations of an asset, oldest first."""
    records = instance.fetch_materializations(asset.key, limit=5000, ascending=True).records
    return [str(record.partition_key) for record in records]


def days(first: int, last: int) -> list[str]:
    """Days of January 2024."""
    return [f"2024-01-{day:02}" for day in range(first, last + 1)]
