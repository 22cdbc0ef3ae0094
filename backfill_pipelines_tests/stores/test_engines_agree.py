"""The first days of a season through the raw tables: every computed table has the same rows on DuckDB and, through the
real BigQuery client, on the emulator. Differing engines would mean that what was tested locally is not what runs in
production."""

import shutil
from datetime import date, timedelta

import dagster as dg
import pytest

from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.catalog import CATALOG, Entry, all_contracts
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.nba.statements import statement_of, views
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, RAW_TABLES
from backfill_pipelines.nba.tables_reference import SEASON_WINDOWS, TEAM_LOCATIONS, TIMEZONE_OFFSETS
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.bigquery import BigQueryWarehouse
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import WarehouseSession, Work, arrow_schema
from backfill_pipelines_tests.stores.emulator import PROJECT

#: The bootstrap days of a season and three days of phase 4.
FIRST = date(2022, 10, 18)
WEEK = [FIRST + timedelta(days=offset) for offset in range(17)]
#: Dates that keep their play-by-play: it is most of the rows, and copying them most of the time.
CHARTED = (*WEEK[3:6], *WEEK[-2:])
COMPUTED = [entry for entry in CATALOG if statement_of(entry)]
RANGE = {
    "dagster/asset_partition_range_start": str(WEEK[0]),
    "dagster/asset_partition_range_end": str(WEEK[-1]),
}


def compute(session: WarehouseSession, entry: Entry) -> None:
    """Stage and publish a computed table, without its gates: agreement is asked for, not truth."""
    session.stage(entry.contract, statement_of(entry) or "")
    session.replace_partitions(entry.contract, WEEK)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    """The week loaded and computed by the real assets."""
    folder = tmp_path_factory.mktemp("week")
    write_feeds(folder / "feeds", seasons=("2022-23",), first=WEEK[0], last=WEEK[-1])
    for day in WEEK:
        if day not in CHARTED:
            shutil.rmtree(folder / "feeds/big-data-ball/2022-23" / str(day), ignore_errors=True)
    warehouse = DuckDBWarehouse(path=str(folder / "w.duckdb"))
    set_up(warehouse)
    resources = {"warehouse": warehouse, "feeds": ObjectStore(url=str(folder / "feeds"))}
    with dg.DagsterInstance.ephemeral() as instance:
        for asset, entry in zip(build_assets(), CATALOG, strict=True):
            if entry not in COMPUTED:
                assert dg.materialize([asset], instance=instance, resources=resources, tags=RANGE).success
    with warehouse.session(Work("compute", "compute", tuple(WEEK))) as session:
        for entry in COMPUTED:
            compute(session, entry)
    return warehouse


def _views_that_are_read() -> dict[str, str]:
    """Views that the computed tables read, directly or through another; creating all of them takes a minute."""
    texts = [statement_of(entry) or "" for entry in COMPUTED]
    found = dict[str, str]()
    for name, text in reversed(views().items()):
        if any(name in reader for reader in (*texts, *found.values())):
            found[name] = text
    return dict(reversed(found.items()))


@pytest.fixture(scope="module")
def remote(local: DuckDBWarehouse, bigquery_endpoint: str) -> BigQueryWarehouse:
    """The same raw rows on the emulator."""
    warehouse = BigQueryWarehouse(project=PROJECT, api_endpoint=bigquery_endpoint)
    warehouse.ensure(all_contracts().values(), _views_that_are_read())
    with (
        local.session(Work("copy", "copy", tuple(WEEK))) as source,
        warehouse.session(Work("copy", "copy", tuple(WEEK))) as target,
    ):
        for contract in (SEASON_WINDOWS, TEAM_LOCATIONS, TIMEZONE_OFFSETS):
            names = ", ".join(contract.by_name)
            target.merge(contract, source.query(f"SELECT {names} FROM {contract.full_name}"))
        for contract in RAW_TABLES:
            if contract is not PLAYER_LINES:
                columns = ", ".join(column.name for column in contract.business_columns)
                rows = source.query(f"SELECT {columns} FROM {contract.full_name}")
                target.stage(contract, rows.cast(arrow_schema(contract)))
                target.replace_partitions(contract, WEEK)
    return warehouse


def test_the_week_has_games(local: DuckDBWarehouse) -> None:
    with local.session(Work("look", "look", tuple(WEEK))) as session:
        games = session.query("SELECT COUNT(*) AS n FROM nba_reference.expected_games")["n"].to_pylist()[0]
    assert games > 20


@pytest.mark.parametrize("entry", COMPUTED, ids=[entry.contract.name for entry in COMPUTED])
def test_a_computed_table_has_the_same_rows_on_both_engines(
    local: DuckDBWarehouse, remote: BigQueryWarehouse, entry: Entry
) -> None:
    """In the order of the work: each stands on the ones before it, on its own engine."""
    work = Work("compare", "compare", tuple(WEEK))
    with local.session(work) as duck, remote.session(work) as google:
        compute(google, entry)
        here, there = duck.published(entry.contract), google.published(entry.contract)
        assert here == there
        assert sum(digest.rows for digest in here.values()) > 0
