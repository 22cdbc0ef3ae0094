"""What is promised about a table itself: created once, indexes waited for, backups that hold what was there."""

from typing import Any

import pytest

from backfill_pipelines.stores.dynamodb_tables import Keys, TableSpec
from backfill_pipelines.stores.item_errors import TableBusy, TableDiffers, TableMissing
from backfill_pipelines.stores.items import Query
from backfill_pipelines_tests.stores.item_tables import FULL, SPEC, ItemPlace, key_of, place_item

GEOHASH = Keys("GSI4PK", "GSI4SK")


def creating(answer: dict[str, Any]) -> None:
    for index in answer["Table"]["GlobalSecondaryIndexes"]:
        if index["IndexName"] == "GSI4":
            index |= {"IndexStatus": "CREATING", "Backfilling": True}


def test_a_table_is_described_as_it_is(items: ItemPlace) -> None:
    state = items.table.describe()
    assert state.status == "ACTIVE"
    assert (state.keys, state.key_types) == (Keys("PK", "SK"), ("S", "S"))
    assert state.write_units is None
    assert state.stream_view == "NEW_AND_OLD_IMAGES"
    assert {name: index.keys for name, index in state.indexes.items()} == SPEC.indexes
    assert {index.projection for index in state.indexes.values()} == {"ALL"}
    assert {index.status for index in state.indexes.values()} == {"ACTIVE"}
    assert items.name in state.arn


def test_a_missing_table_is_an_error_of_its_own(items: ItemPlace) -> None:
    with pytest.raises(TableMissing, match="Nowhere"):
        items.table_of("Nowhere").describe()


def test_ensuring_a_table_twice_changes_nothing(items: ItemPlace) -> None:
    items.store.put(FULL)
    items.table.ensure(SPEC)
    assert items.store.get(key_of(FULL)) is not None


@pytest.mark.parametrize(
    "spec", [TableSpec(Keys("PK"), {}), TableSpec(Keys("PK", "SK"), {"GSI1": Keys("GSI1PK"), "GSI9": Keys("x")})]
)
def test_a_table_of_another_shape_is_refused(items: ItemPlace, spec: TableSpec) -> None:
    with pytest.raises(TableDiffers):
        items.table.ensure(spec)


def test_an_index_on_a_full_table_is_waited_for_and_finds_the_old_items(items: ItemPlace) -> None:
    """Written to before it is ACTIVE, its gates would read half of the places."""
    places = [
        place_item(f"{number}", GSI4PK={"S": "GEOHASH#gcpvj1"}, GSI4SK={"S": f"PLACE#{number}"}) for number in range(9)
    ]
    items.store.batch_write(places)
    items.on_reads.rewrite("DescribeTable", creating, times=4)
    state = items.table.create_index("GSI4", GEOHASH)
    assert state.indexes["GSI4"].keys == GEOHASH
    assert len(items.waits) >= 2
    assert state.indexes.keys() == {"GSI1", "GSITYPE", "GSI4"}
    assert items.store_of(items.name).count(Query(("GSI4PK", "GEOHASH#gcpvj1"), "GSI4")) == 9
    assert items.table.create_index("GSI4", GEOHASH) == state


def test_an_index_of_this_name_with_other_keys_is_refused(items: ItemPlace) -> None:
    with pytest.raises(TableDiffers, match="GSI1"):
        items.table.create_index("GSI1", GEOHASH)


def test_an_index_that_is_not_ready_in_time_is_an_error(items: ItemPlace) -> None:
    items.on_reads.rewrite("DescribeTable", creating, times=1000)
    with pytest.raises(TableBusy, match="index GSI4 is not ACTIVE"):
        items.table.create_index("GSI4", GEOHASH, timeout_seconds=20)


def test_a_backup_is_made_once_and_holds_what_was_there(items: ItemPlace) -> None:
    items.store.put(FULL)
    assert items.table.backups() == []
    name = f"{items.name}-pre-backfill-20260105"
    backup = items.table.ensure_backup(name)
    assert (backup.name, backup.status) == (name, "AVAILABLE")
    items.store.delete(key_of(FULL))
    assert items.table.ensure_backup(name).arn == backup.arn
    assert [found.arn for found in items.table.backups()] == [backup.arn]
    restored = items.table.restore(backup, f"{items.name}-restored")
    assert restored.indexes.keys() == SPEC.indexes.keys()
    assert items.store_of(f"{items.name}-restored").get(key_of(FULL)) is not None


def test_point_in_time_recovery_is_seen_and_switched_on(items: ItemPlace) -> None:
    assert items.table.point_in_time_recovery() is False
    items.table.enable_point_in_time_recovery()
    assert items.table.point_in_time_recovery() is True


def test_provisioned_capacity_is_read_and_raised(items: ItemPlace) -> None:
    units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 10}
    name = f"{items.name}-provisioned"
    key_types = [{"AttributeName": part, "AttributeType": "S"} for part in ("PK", "SK", "TYPE")]
    schema = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
    index = {
        "IndexName": "GSITYPE",
        "KeySchema": [{"AttributeName": "TYPE", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
        "ProvisionedThroughput": units,
    }
    items.reads.create_table(
        TableName=name,
        AttributeDefinitions=key_types,
        KeySchema=schema,
        GlobalSecondaryIndexes=[index],
        ProvisionedThroughput=units,
    )
    table = items.table_of(name)
    assert (table.describe().write_units, table.describe().indexes["GSITYPE"].write_units) == (10.0, 10.0)
    raised = table.raise_capacity(40, {"GSITYPE": 30})
    assert (raised.write_units, raised.indexes["GSITYPE"].write_units) == (40.0, 30.0)
    assert items.reads.describe_table(TableName=name)["Table"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 5
    with pytest.raises(TableMissing, match="GSI9"):
        table.raise_capacity(None, {"GSI9": 1})
