"""The count of the metadata rows between two waves: when it is made, what it is compared with, what it refuses."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.drift import COUNT_AGAIN, metadata_rows_now
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.manifest import latest_manifest
from backfill_pipelines.receipts.migration_context import load_migration
from backfill_pipelines.receipts.place_admission import drifted
from backfill_pipelines.stores.items import ItemStore, Query
from backfill_pipelines_tests.receipts.receipt_tables import receipt_of, row_of
from backfill_pipelines_tests.receipts.writing_world import World, failure, world


def rows(*numbers: int, **changes: Any) -> list[Item]:
    return [item for n in numbers for item in (row_of(n, **changes), receipt_of(n))]


class Counting:
    """The items of a table; says how often they were counted."""

    def __init__(self, store: ItemStore) -> None:
        self._store = store
        self.counts = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def count(self, query: Query) -> int:
        self.counts += 1
        return self._store.count(query)


@pytest.fixture
def here(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    with world(ministack_endpoint, ministack_state, tmp_path) as made:
        yield made


def test_a_young_inventory_is_a_count_of_its_own(here: World) -> None:
    here.prepare(rows(0))
    here.place.load(rows(1, 2))
    assert drifted(load_migration(_Named(here.resources))) == ""


def test_a_wave_on_a_table_that_has_grown_is_refused_until_stock_is_taken(here: World) -> None:
    """Its ranges and its cost would be those of another table."""
    here.prepare([*rows(0, 1), row_of(2, TYPE=...), receipt_of(2)])
    migration = load_migration(_Named(here.resources))
    later = datetime.now(UTC) + COUNT_AGAIN + timedelta(minutes=1)
    assert drifted(migration, later) == "", "a row without TYPE is in no index and no drift"
    here.place.load(rows(3))
    after = later + COUNT_AGAIN + timedelta(minutes=1)
    assert drifted(migration, after) == (
        f"the manifest {migration.manifest.run_id} of {here.place.name} is stale: it counts 3 metadata rows, the "
        "table has 4. Repair: backfill receipts inventory, then backfill receipts plan"
    )
    here.prepare()
    assert drifted(load_migration(_Named(here.resources))) == ""


def test_many_runs_of_a_wave_count_once_in_a_quarter_of_an_hour(here: World) -> None:
    here.prepare(rows(0))
    manifest = latest_manifest(here.place.objects, here.place.name)
    assert manifest is not None
    items = Counting(here.place.store)
    begun = datetime.now(UTC) + timedelta(hours=1)
    found = [metadata_rows_now(here.control, items, manifest, begun + timedelta(minutes=n)) for n in range(31)]  # type: ignore[arg-type]
    assert found == [1] * 31
    assert items.counts == 2
    newer = replace(manifest, taken_at=begun + timedelta(minutes=31))
    assert metadata_rows_now(here.control, items, newer, newer.taken_at + timedelta(minutes=16)) == 1  # type: ignore[arg-type]
    assert items.counts == 3, "a count from before the inventory says nothing about it"


def test_a_run_of_the_places_is_refused_with_the_counts(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.prepare(rows(0))
    here.place.load(rows(1))
    monkeypatch.setattr("backfill_pipelines.receipts.drift.COUNT_AGAIN", timedelta(0))
    result = here.run()
    assert not result.success
    assert "it counts 1 metadata rows, the table has 2. Repair: backfill receipts inventory" in failure(result)
    assert here.stored() == {}


class _Named:
    """Resources by attribute, as a run has them."""

    def __init__(self, resources: dict[str, Any]) -> None:
        self.__dict__.update(resources)
