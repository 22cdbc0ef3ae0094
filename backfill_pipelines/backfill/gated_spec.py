"""What a gated asset is: its keys, what it reads, its gates, and how Dagster is told of them.

How a run of it goes is ``gated_assets``'s business.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import HistoryCheck, OwnCheck, PhaseGate, Upstream
from backfill_pipelines.backfill.gates import Gate, Verdict, history_gate, read_back_gate, upstream_gate
from backfill_pipelines.backfill.outcome import PartitionOutcome


@dataclass(frozen=True)
class Companion:
    """An asset that is computed, judged and published together with another one, in the same run and transaction.

    Its gates judge the whole: a red one holds back the partition of every asset that is published with it.
    """

    key: dg.AssetKey
    description: str
    gates: Sequence[Gate] = ()
    kinds: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def all_gates(self) -> list[Gate]:
        """Its own gates, and the read-back that says whether a partition is published."""
        return [*self.gates, read_back_gate()]


@dataclass(frozen=True)
class GatedSpec:
    """What Dagster shows of a gated asset, what it reads and what must be true of it."""

    key: dg.AssetKey
    description: str
    group: str
    gates: Sequence[Gate]
    upstreams: Sequence[Upstream] = ()
    kinds: frozenset[str] = frozenset()
    owners: Sequence[str] = ()
    code_version: str = "1"
    #: Whether the earlier dates that the table reads are whole; None for a table that reads its own date only.
    history: HistoryCheck | None = None
    #: What a backfill must have passed before the table is computed.
    phase_gate: PhaseGate | None = None
    #: What else a domain asks before a partition is computed.
    own_check: OwnCheck | None = None
    #: The command that runs some partitions again, for the text of a failure; by default one with dates.
    repair: Callable[[Sequence[str]], str] | None = None
    automation_condition: dg.AutomationCondition[Any] | None = None
    #: The concurrency pool of its store: as many runs that write at a time as the instance allows the pool.
    pool: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    #: What is published together with it: a run of any one of them publishes them all.
    companions: Sequence[Companion] = ()

    @property
    def name(self) -> str:
        """Name of the op, and what the command line calls the asset."""
        return "__".join(self.key.path)

    @property
    def keys(self) -> list[dg.AssetKey]:
        """Every asset of the run; the spec's own comes first."""
        return [self.key, *(companion.key for companion in self.companions)]

    @property
    def all_gates(self) -> list[Gate]:
        """The asset's own gates between admission and read-back."""
        asks = self.upstreams or self.own_check
        first = [upstream_gate("Repair the upstream partition first.")] if asks else []
        second = [history_gate()] if self.history else []
        return [*first, *second, *self.gates, read_back_gate()]

    @property
    def measured_gates(self) -> list[Gate]:
        """The gates that the target measures, of every asset of the run."""
        return [*self.gates, *(gate for companion in self.companions for gate in companion.gates)]

    @property
    def checks(self) -> list[dg.AssetCheckKey]:
        """The checks of every asset of the run."""
        return [dg.AssetCheckKey(key, gate.name) for key, gates in self._gates_of.items() for gate in gates]

    def verdicts_of(self, key: dg.AssetKey, outcome: PartitionOutcome) -> list[Verdict]:
        """The verdicts that are about one asset of the run."""
        names = {gate.name for gate in self._gates_of[key]}
        return [verdict for verdict in outcome.verdicts if verdict.gate.name in names]

    def asset_specs(self) -> list[dg.AssetSpec]:
        """The specs of every asset of the run."""
        return [self._asset_spec(self), *(self._asset_spec(companion) for companion in self.companions)]

    def check_specs(self, partitions_def: dg.PartitionsDefinition[Any]) -> list[dg.AssetCheckSpec]:
        """A check for every gate of every asset of the run."""
        return [_check_spec(key, gate, partitions_def) for key, gates in self._gates_of.items() for gate in gates]

    @property
    def _gates_of(self) -> Mapping[dg.AssetKey, Sequence[Gate]]:
        return {self.key: self.all_gates, **{companion.key: companion.all_gates for companion in self.companions}}

    def _asset_spec(self, shown: "GatedSpec | Companion") -> dg.AssetSpec:
        """The spec of one asset; what is not its own is that of the asset that it is published with."""
        return dg.AssetSpec(
            shown.key,
            deps=list(self._deps()),
            description=shown.description,
            group_name=self.group,
            kinds=set(shown.kinds),
            owners=list(self.owners),
            code_version=self.code_version,
            metadata=dict(shown.metadata),
            automation_condition=self.automation_condition,
            skippable=True,
        )

    def _deps(self) -> Iterator[dg.AssetDep]:
        """Dagster's dependencies: every upstream at the same partition, the phase gate, and for history the asset.

        A table that reads earlier dates depends on its own previous partition instead of on a window of its upstreams:
        Dagster then launches its dates in order, and none after a failed one; and a backfill of a season does not
        target the first dates of the next, as it does with a window.
        """
        yield from (dg.AssetDep(upstream.key) for upstream in self.upstreams)
        if self.history:
            previous = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
            yield dg.AssetDep(self.key, partition_mapping=previous)
        if self.phase_gate:
            yield dg.AssetDep(self.phase_gate.key)


def _check_spec(key: dg.AssetKey, gate: Gate, partitions_def: dg.PartitionsDefinition[Any]) -> dg.AssetCheckSpec:
    with warnings.catch_warnings():
        # Partitioned check specs are preview in Dagster 1.13; the tests pin every fact that is relied on.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return dg.AssetCheckSpec(
            gate.name,
            asset=key,
            description=gate.description,
            blocking=gate.blocking,
            partitions_def=partitions_def,
        )
