"""What the store tests share: a BigQuery emulator, and a warehouse of each kind with two tables."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from backfill_pipelines.backfill.contracts import TableContract, parse_columns
from backfill_pipelines.stores.bigquery import BigQueryWarehouse
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.warehouse import Digest, Warehouse, WarehouseSession, Work, arrow_schema
from backfill_pipelines_tests.stores.emulator import PROJECT, EmulatorError, running_emulator
from backfill_pipelines_tests.stores.item_servers import running_moto, served
from backfill_pipelines_tests.stores.item_tables import SPEC, ItemPlace

MONDAY, TUESDAY, WEDNESDAY = (date(2022, 1, day) for day in (3, 4, 5))
DAYS = (MONDAY, TUESDAY)
LEDGER_COLUMNS = "data_hash STRING! hash\nrun_id STRING! run\nprocessed_at TIMESTAMP! when"
GAMES = TableContract(
    "set_by_fixture",
    "player_games",
    "One row for each player of a game.",
    parse_columns(f"""
        player STRING! who
        game_date DATE! when
        points INT64 how many
        minutes FLOAT64 how long
        rate NUMERIC(6,2) how good
        home BOOL where
        tipped_off_at TIMESTAMP when exactly
        issues ARRAY<STRING> what is odd
        weights ARRAY<FLOAT64> how much
        payload JSON what came
        {LEDGER_COLUMNS}
        """),
    key=("player", "game_date"),
    partition_column="game_date",
    cluster=("player",),
)
LEDGER = TableContract(
    "set_by_fixture",
    "attempts",
    "One row for each attempt.",
    parse_columns("unit STRING! what\nscope STRING which part\ngame_date DATE! when\nstate STRING! how\nnote JSON why"),
    key=("unit", "scope"),
    partition_column="game_date",
)
FULL = {
    "player": "jokić",
    "game_date": MONDAY,
    "points": 26,
    "minutes": 34.5,
    "rate": Decimal("31.25"),
    "home": True,
    "tipped_off_at": datetime(2022, 1, 4, 2, 10, 0, 750_000, tzinfo=UTC),
    "issues": ["late", "a, b"],
    "weights": [0.5, -2.0],
    "payload": '{"feet": [6.5, 11]}',
}
BARE = dict.fromkeys(FULL) | {"player": "murray", "game_date": TUESDAY, "rate": Decimal("-0.50")}


@dataclass(frozen=True)
class Place:
    """A warehouse with the two tables in a dataset of its own."""

    warehouse: Warehouse
    games: TableContract
    ledger: TableContract

    @contextmanager
    def session(self, *partitions: date, run_id: str = "run-1") -> Iterator[WarehouseSession]:
        with self.warehouse.session(Work(run_id, "nba/player_games", partitions or DAYS)) as session:
            yield session

    def publish(self, *rows: dict, partitions: tuple[date, ...] = DAYS) -> None:
        with self.session(*partitions) as session:
            session.stage(self.games, arrow(self.games, *rows))
            session.replace_partitions(self.games, partitions)

    def digests(self) -> dict[date, Digest]:
        with self.session() as session:
            return session.published(self.games)

    def rows(self, columns: str = "player, game_date, points", staged: bool = False) -> list[dict]:
        table = self.games.staging_name if staged else self.games.full_name
        with self.session() as session:
            return session.query(f"SELECT {columns} FROM {table} ORDER BY game_date, player").to_pylist()


def arrow(contract: TableContract, *rows: dict) -> pa.Table:
    return pa.Table.from_pylist(list(rows), arrow_schema(contract))


def game(player: str, day: date, points: int = 0) -> dict:
    return BARE | {"player": player, "game_date": day, "points": points}


def in_own_dataset(warehouse: Warehouse) -> Place:
    dataset = f"contract_{uuid.uuid4().hex[:8]}"
    place = Place(warehouse, replace(GAMES, dataset=dataset), replace(LEDGER, dataset=dataset))
    warehouse.ensure([place.games], {})
    return place


@pytest.fixture(scope="session")
def bigquery_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a BigQuery emulator; tests that need it are skipped where it cannot run."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(running_emulator(tmp_path_factory.mktemp("bigquery")))
        except EmulatorError as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture(scope="session")
def bigquery_warehouse(bigquery_endpoint: str) -> BigQueryWarehouse:
    return BigQueryWarehouse(project=PROJECT, api_endpoint=bigquery_endpoint, retry_timeout_seconds=5)


@pytest.fixture(scope="session")
def duckdb_warehouse(tmp_path_factory: pytest.TempPathFactory) -> DuckDBWarehouse:
    path = tmp_path_factory.mktemp("duckdb") / "warehouse.duckdb"
    return DuckDBWarehouse(path=str(path), lock_timeout_seconds=0.3)


@pytest.fixture(scope="session", params=["duckdb", "bigquery"])
def warehouse(request: pytest.FixtureRequest) -> Warehouse:
    """Each implementation in turn."""
    return request.getfixturevalue(f"{request.param}_warehouse")


@pytest.fixture
def place(warehouse: Warehouse) -> Place:
    """Tables that no other test has touched."""
    return in_own_dataset(warehouse)


@pytest.fixture(scope="session")
def any_place(warehouse: Warehouse) -> Place:
    """Tables for tests that change nothing."""
    return in_own_dataset(warehouse)


@pytest.fixture(scope="session")
def moto_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a moto server; tests that need it are skipped where it cannot be installed."""
    yield from served(running_moto(tmp_path_factory.mktemp("moto")))


@pytest.fixture(params=["ministack", "moto"])
def items(request: pytest.FixtureRequest) -> ItemPlace:
    """A table that no other test has touched, on each server in turn; ``known_wrong`` marks what one gets wrong."""
    server = str(request.param)
    for mark in request.node.iter_markers("known_wrong"):
        if mark.args[0] == server:
            request.applymarker(pytest.mark.xfail(reason=mark.args[1], strict=True))
    found = ItemPlace(server, request.getfixturevalue(f"{server}_endpoint"))
    found.table.ensure(SPEC)
    return found
