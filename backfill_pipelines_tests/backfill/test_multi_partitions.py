"""Facts of Dagster 1.13 about partitions of two dimensions, and that the gated range run works over them."""

import dagster as dg
import pytest
from dagster._core.definitions.partitions.subset.default import DefaultPartitionsSubset
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from backfill_pipelines.backfill.gap_sensor import GapAsset, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines_tests.backfill.toy import (
    POINTS,
    LedgerTarget,
    check,
    failure_text,
    materialized,
    run_range,
    toy_asset,
)

ROASTERS = dg.DynamicPartitionsDefinition(name="toy_roasters")
ROASTER_DAYS = dg.MultiPartitionsDefinition(
    {"roaster": ROASTERS, "day": dg.DailyPartitionsDefinition("2025-09-01", end_date="2025-10-01")}
)
BLUE, ARAKU = "blue-tokai", "araku"


def keys(roaster: str, first: int, last: int) -> list[str]:
    return [f"2025-09-{day:02}|{roaster}" for day in range(first, last + 1)]


@pytest.fixture
def instance(any_instance: dg.DagsterInstance) -> dg.DagsterInstance:
    any_instance.add_dynamic_partitions("toy_roasters", [BLUE, ARAKU])
    return any_instance


def roaster_of(key: str) -> str:
    return key.partition("|")[2]


def asset_of(target: LedgerTarget, per_run: int = 31) -> dg.AssetsDefinition:
    return toy_asset("prices", target.open, partitions_def=ROASTER_DAYS, per_run=per_run)


def ranges_of(instance: dg.DagsterInstance, chosen: list[str]) -> set[tuple[str, str]]:
    """The ranges that a backfill cuts into runs."""
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        found = DefaultPartitionsSubset(set(chosen)).get_partition_key_ranges(ROASTER_DAYS)
    return {(str(one.start), str(one.end)) for one in found}


def test_a_key_is_written_in_the_alphabetical_order_of_its_dimensions() -> None:
    """``day|roaster``, whatever the order in which the dimensions were given."""
    assert str(dg.MultiPartitionKey({"roaster": BLUE, "day": "2025-09-02"})) == "2025-09-02|blue-tokai"
    assert ROASTER_DAYS.get_partition_key_from_str("2025-09-02|blue-tokai").keys_by_dimension == {
        "day": "2025-09-02",
        "roaster": BLUE,
    }


def test_a_range_of_one_roaster_holds_the_roaster_constant(instance: dg.DagsterInstance) -> None:
    target = LedgerTarget()
    assert run_range(instance, asset_of(target), keys(BLUE, 2, 2)[0], keys(BLUE, 5, 5)[0]).success
    assert target.computed == [keys(BLUE, 2, 5)]
    assert sorted(materialized(instance, asset_of(target))) == keys(BLUE, 2, 5)


def test_a_range_over_both_dimensions_is_their_product(instance: dg.DagsterInstance) -> None:
    """Not the keys between its ends: a target must take any set of partitions, grouped as it likes."""
    target = LedgerTarget()
    assert run_range(instance, asset_of(target), "2025-09-02|blue-tokai", "2025-09-03|araku").success
    assert target.computed == [[*keys(BLUE, 2, 2), *keys(ARAKU, 2, 2), *keys(BLUE, 3, 3), *keys(ARAKU, 3, 3)]]


def test_a_range_whose_roasters_are_in_the_wrong_order_is_refused(instance: dg.DagsterInstance) -> None:
    """Dagster gives such a run no partition at all: it would be a success that has done nothing."""
    target = LedgerTarget()
    asset = asset_of(target)
    result = run_range(instance, asset, "2025-09-02|araku", "2025-09-03|blue-tokai")
    assert "holds no partition, so nothing was done" in failure_text(result, asset)
    assert target.computed == []


def test_a_backfill_of_more_days_than_roasters_is_cut_by_roaster(instance: dg.DagsterInstance) -> None:
    chosen = [*keys(BLUE, 2, 5), *keys(ARAKU, 2, 3), *keys(ARAKU, 5, 5)]
    assert ranges_of(instance, chosen) == {
        ("2025-09-02|blue-tokai", "2025-09-05|blue-tokai"),
        ("2025-09-02|araku", "2025-09-03|araku"),
        ("2025-09-05|araku", "2025-09-05|araku"),
    }


def test_a_backfill_of_no_more_days_than_roasters_is_cut_by_day(instance: dg.DagsterInstance) -> None:
    """Dagster holds the dimension with fewer keys: a range run may then hold one day and all roasters."""
    chosen = [*keys(BLUE, 2, 2), *keys(ARAKU, 2, 2)]
    assert ranges_of(instance, chosen) == {("2025-09-02|blue-tokai", "2025-09-02|araku")}


def test_each_partition_has_its_own_verdict_and_a_red_one_is_not_published(instance: dg.DagsterInstance) -> None:
    red = keys(BLUE, 3, 3)[0]
    target = LedgerTarget(red={POINTS.name: {red}})
    asset = asset_of(target)
    run_range(instance, asset, keys(BLUE, 2, 2)[0], keys(BLUE, 5, 5)[0])
    green = [key for key in keys(BLUE, 2, 5) if key != red]
    assert sorted(materialized(instance, asset)) == list(target.published) == green
    for name in (POINTS.name, READ_BACK_GATE):
        assert latest_verdicts(instance, [check(asset, name)])[check(asset, name)] == {
            key: key in green for key in keys(BLUE, 2, 5)
        }


def test_the_checks_page_knows_the_state_of_each_roaster_and_day(instance: dg.DagsterInstance) -> None:
    red = keys(BLUE, 3, 3)[0]
    asset = asset_of(LedgerTarget(red={POINTS.name: {red}}))
    run_range(instance, asset, keys(BLUE, 2, 2)[0], keys(BLUE, 5, 5)[0])
    key = check(asset, POINTS.name)
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        state = instance.event_log_storage.get_asset_check_state([(key, ROASTER_DAYS)])[key]
        shown = {status.value: subset.subset_value for status, subset in state.subsets.items() if not subset.is_empty}
        found = {name: set(map(str, keys.get_partition_keys())) for name, keys in shown.items()}  # type: ignore[union-attr]
    assert found == {"FAILED": {red}, "SUCCEEDED": {key for key in keys(BLUE, 2, 5) if key != red}}


def test_a_child_reads_the_same_roaster_and_day(instance: dg.DagsterInstance) -> None:
    red = keys(BLUE, 3, 3)[0]
    parent, seen = asset_of(LedgerTarget(red={POINTS.name: {red}})), LedgerTarget()
    child = toy_asset("report", seen.open, parent, partitions_def=ROASTER_DAYS, per_run=30)
    for asset in (parent, child):
        run_range(instance, asset, keys(BLUE, 2, 2)[0], keys(BLUE, 5, 5)[0])
    assert seen.computed == [[key for key in keys(BLUE, 2, 5) if key != red]]


def test_the_gap_sensor_asks_for_ranges_of_one_roaster_each(instance: dg.DagsterInstance) -> None:
    """Neighbours in the sensor's list of all partitions share a run: so that list goes roaster by roaster."""
    asset = asset_of(LedgerTarget())
    by_roaster = [*keys(ARAKU, 1, 30), *keys(BLUE, 1, 30)]
    sensor = build_gap_sensor(
        name="toy_roaster_gap_sensor",
        description="Fills the holes of the toy prices.",
        assets=[GapAsset(asset.key, ROASTER_DAYS, all_partitions=lambda _: by_roaster, run_group=roaster_of)],
        expected=lambda _: [*keys(BLUE, 2, 3), *keys(ARAKU, 30, 30), *keys(BLUE, 1, 1)],
        policy=GapPolicy(partitions_per_run=31),
    )
    defs = dg.Definitions([asset], sensors=[sensor])
    result = sensor(dg.build_sensor_context(instance, definitions=defs))
    assert isinstance(result, dg.SensorResult)
    asked = [
        (r.tags[ASSET_PARTITION_RANGE_START_TAG], r.tags[ASSET_PARTITION_RANGE_END_TAG])
        for r in result.run_requests or []
    ]
    assert asked == [(keys(ARAKU, 30, 30)[0],) * 2, (keys(BLUE, 1, 1)[0], keys(BLUE, 3, 3)[0])]
