"""What a domain may choose of a gated asset: its config, conditions, repair command, partitions left open."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import dagster as dg
import pytest
from pydantic import Field

from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import GatedSpec
from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE, Measurement, all_measured
from backfill_pipelines.backfill.outcome import StagedPartition
from backfill_pipelines.backfill.run_mode import GatedConfig, RunMode
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines_tests.backfill.toy import (
    GATES,
    POINTS,
    LedgerTarget,
    check,
    failure_text,
    materialized,
    run_range,
)

FIRST, LAST = "00", "03"
ALL = ["00", "01", "02", "03"]
PARTS = dg.StaticPartitionsDefinition(ALL)


class ToyConfig(GatedConfig):
    """Write, or only look."""

    apply: bool = Field(default=False, description="Write.")
    most: int = Field(default=99, description="Partitions to finish.")

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> RunMode:
        return replace(super().mode(tags, reads_history=reads_history), dry_run=not self.apply)


class ChoosyTarget(LedgerTarget):
    """Leaves everything open in a dry run, and the partitions beyond a limit in any run."""

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        config = self.admissions[-1].config
        assert isinstance(config, ToyConfig)
        found = super().stage(partitions)
        is_open = {p: not config.apply or at >= config.most for at, p in enumerate(partitions)}
        return {p: replace(one, is_open=is_open[p], metadata={"toy/color": "red"}) for p, one in found.items()}


@pytest.fixture
def target() -> ChoosyTarget:
    return ChoosyTarget()


def asset_of(target: LedgerTarget, refused: Sequence[str] = ()) -> dg.AssetsDefinition:
    def closed(_: object, partitions: Sequence[str], config: GatedConfig) -> Mapping[str, Measurement]:
        assert isinstance(config, ToyConfig)
        return {
            p: all_measured(int(p in refused), 1, [f"{p} is not released"][: int(p in refused)]) for p in partitions
        }

    spec = GatedSpec(
        dg.AssetKey(["toy", "buckets"]),
        "Toy buckets.",
        "toy",
        GATES,
        own_check=closed,
        pool="toy_writer",
        repair=lambda partitions: f"toy run {','.join(partitions)}",
    )
    return gated_asset(
        spec,
        partitions_def=PARTS,
        partitions_per_run=16,
        open_target=target.open,
        required_resource_keys=set(),
        config_type=ToyConfig,
    )


def verdicts(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, name: str) -> Mapping[str, bool]:
    return latest_verdicts(instance, [check(asset, name)])[check(asset, name)]


def evaluated(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, name: str) -> list[str]:
    """Partitions of all evaluations of a check, not of those that were only planned."""
    records = instance.event_log_storage.get_asset_check_execution_history(check(asset, name), limit=100)
    found = [record.evaluation for record in records]
    return sorted(str(one.partition) for one in found if isinstance(one, dg.AssetCheckEvaluation))


def test_a_dry_run_succeeds_and_leaves_no_materialisation_and_no_verdict(
    instance: dg.DagsterInstance, target: ChoosyTarget
) -> None:
    """A look that turned a check green, or red, would decide about data that nobody has written."""
    asset = asset_of(target)
    target.red = {POINTS.name: {"01"}}
    result = run_range(instance, asset, FIRST, LAST)
    assert result.success
    assert target.computed == [ALL]
    assert target.published == {}
    assert materialized(instance, asset) == []
    assert evaluated(instance, asset, POINTS.name) == evaluated(instance, asset, READ_BACK_GATE) == []
    assert not any(verdicts(instance, asset, READ_BACK_GATE).values()), "not judged is no pass"
    assert dict(target.history[0].tally) == {"left_open": 4}


def test_a_dry_run_leaves_the_verdicts_of_the_run_before(instance: dg.DagsterInstance, target: ChoosyTarget) -> None:
    asset = asset_of(target)
    run_range(instance, asset, FIRST, LAST, apply=True)
    assert run_range(instance, asset, FIRST, LAST).success
    assert not run_range(instance, asset_of(target, ["02"]), FIRST, LAST).success
    assert verdicts(instance, asset, READ_BACK_GATE) == verdicts(instance, asset, UPSTREAM_GATE)
    assert verdicts(instance, asset, READ_BACK_GATE) == dict.fromkeys(ALL, True)
    assert sorted(materialized(instance, asset)) == ALL


def test_partitions_left_open_are_not_materialised_and_fail_nothing(
    instance: dg.DagsterInstance, target: ChoosyTarget
) -> None:
    """A limit is a wish, not a failure; the finished partitions count, the cut one does not."""
    asset = asset_of(target)
    result = run_range(instance, asset, FIRST, LAST, apply=True, most=2)
    assert result.success
    assert materialized(instance, asset) == list(target.published) == ALL[:2]
    assert verdicts(instance, asset, READ_BACK_GATE) == {p: p in ALL[:2] for p in ALL}
    assert evaluated(instance, asset, POINTS.name) == ALL[:2]
    (record,) = instance.fetch_materializations(asset.key, limit=1).records
    assert record.asset_materialization is not None
    assert record.asset_materialization.metadata["toy/color"].value == "red"


def test_a_condition_of_the_domain_refuses_a_partition_and_its_own_command_repairs_it(
    instance: dg.DagsterInstance, target: ChoosyTarget
) -> None:
    asset = asset_of(target, ["02"])
    result = run_range(instance, asset, FIRST, LAST, apply=True)
    assert target.computed == [["00", "01", "03"]]
    assert materialized(instance, asset) == ["00", "01", "03"]
    assert failure_text(result, asset).splitlines() == [
        "1 of 4 partitions of toy/buckets failed; the others are published.",
        "  02: upstream_is_complete: 1 expected vs 0, e.g. 02 is not released",
        "Repair: mend the cause, then: toy run 02",
    ]
    assert asset.op.pool == "toy_writer"
