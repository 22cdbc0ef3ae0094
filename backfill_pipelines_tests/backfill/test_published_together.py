"""Several assets of one gated run: computed, judged and published together, each with its own page in the UI."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import Companion, GatedSpec
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.outcome import StagedPartition, State
from backfill_pipelines.backfill.pausing import pause
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines_tests.backfill.toy import (
    DAYS,
    POINTS,
    STARTERS,
    LedgerTarget,
    days,
    failure_text,
    run_range,
    toy_asset,
)

COFFEES, VARIANTS, PRICES = (dg.AssetKey(["toy", name]) for name in ("coffees", "variants", "prices"))
ALL = days(1, 4)


class Three(LedgerTarget):
    """Two rows of coffees and, beside them, five of variants and nine of prices."""

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        beside = {"toy/variants": 5, "toy/prices": 9}
        return {
            p: replace(
                staged,
                companions={name: StagedPartition(p, State.COMPLETE, n, name) for name, n in beside.items()},
            )
            for p, staged in super().stage(partitions).items()
        }


def three(target: LedgerTarget) -> dg.AssetsDefinition:
    spec = GatedSpec(
        COFFEES,
        "Coffees.",
        "toy",
        [POINTS],
        companions=[Companion(VARIANTS, "Variants.", [STARTERS]), Companion(PRICES, "Prices.")],
    )
    return gated_asset(
        spec, partitions_def=DAYS, partitions_per_run=31, open_target=target.open, required_resource_keys=set()
    )


def materialized(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[str]:
    return [str(r.partition_key) for r in instance.fetch_materializations(key, limit=99, ascending=True).records]


def verdicts(instance: dg.DagsterInstance, key: dg.AssetKey, name: str) -> Mapping[str, bool]:
    check = dg.AssetCheckKey(key, name)
    return latest_verdicts(instance, [check])[check]


def test_a_green_range_materialises_every_asset_for_every_partition(any_instance: dg.DagsterInstance) -> None:
    asset = three(Three())
    assert run_range(any_instance, asset, ALL[0], ALL[-1]).success
    for key in (COFFEES, VARIANTS, PRICES):
        assert materialized(any_instance, key) == ALL
        assert verdicts(any_instance, key, READ_BACK_GATE) == dict.fromkeys(ALL, True)


def test_each_asset_shows_its_own_rows(instance: dg.DagsterInstance) -> None:
    run_range(instance, three(Three()), ALL[0], ALL[0])
    rows = [
        record.asset_materialization.metadata["dagster/partition_row_count"].value
        for key in (COFFEES, VARIANTS, PRICES)
        for record in instance.fetch_materializations(key, 1).records
        if record.asset_materialization
    ]
    assert rows == [3, 5, 9]


@pytest.mark.parametrize("gate", [POINTS, STARTERS], ids=["of the first asset", "of a companion"])
def test_a_red_gate_of_any_asset_holds_back_the_partition_of_all(any_instance: dg.DagsterInstance, gate) -> None:
    """Prices without their variants would be orphans; and the siblings of the range go on."""
    target = Three(red={gate.name: {ALL[1]}})
    asset = three(target)
    result = run_range(any_instance, asset, ALL[0], ALL[-1])
    green = [day for day in ALL if day != ALL[1]]
    assert gate.name in failure_text(result, asset)
    assert list(target.published) == green
    for key in (COFFEES, VARIANTS, PRICES):
        assert materialized(any_instance, key) == green
        assert verdicts(any_instance, key, READ_BACK_GATE) == {day: day in green for day in ALL}


def test_a_gate_is_shown_at_the_asset_that_it_is_about_and_nowhere_else(instance: dg.DagsterInstance) -> None:
    asset = three(Three())
    run_range(instance, asset, ALL[0], ALL[0])
    assert {(key.asset_key, key.name) for key in asset.check_keys} == {
        (COFFEES, POINTS.name),
        (VARIANTS, STARTERS.name),
        *((key, READ_BACK_GATE) for key in (COFFEES, VARIANTS, PRICES)),
    }
    assert verdicts(instance, VARIANTS, STARTERS.name) == {ALL[0]: True}


def test_who_asks_for_one_of_them_gets_them_all(any_instance: dg.DagsterInstance) -> None:
    """One transaction publishes them; an event log that knew of one only would call the others missing."""
    target = Three()
    result = dg.materialize(
        [three(target)],
        selection=[PRICES],
        instance=any_instance,
        tags={ASSET_PARTITION_RANGE_START_TAG: ALL[0], ASSET_PARTITION_RANGE_END_TAG: ALL[-1]},
    )
    assert result.success
    assert target.computed == [ALL]
    for key in (COFFEES, VARIANTS, PRICES):
        assert materialized(any_instance, key) == ALL
        assert verdicts(any_instance, key, READ_BACK_GATE) == dict.fromkeys(ALL, True)


def test_the_next_asset_may_read_any_of_them(instance: dg.DagsterInstance) -> None:
    target = Three(red={STARTERS.name: {ALL[1]}})
    run_range(instance, three(target), ALL[0], ALL[-1])
    child = LedgerTarget()
    run_range(instance, toy_asset("report", child.open, Upstream(PRICES)), ALL[0], ALL[-1])
    assert child.computed == [[day for day in ALL if day != ALL[1]]]


def test_a_pause_of_one_of_them_stops_the_run(instance: dg.DagsterInstance) -> None:
    pause(instance, "toy/prices", reason="the shop is down", by="ops")
    target = Three()
    asset = three(target)
    assert "the shop is down" in failure_text(run_range(instance, asset, ALL[0], ALL[0]), asset)
    assert target.computed == []
