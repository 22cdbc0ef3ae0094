"""Every statement of the project: Google's analyser takes it, DuckDB runs it, and it filters its partitions."""

import shutil
from pathlib import Path

import pytest

from backfill_pipelines.nba.catalog import CATALOG, all_contracts
from backfill_pipelines.nba.statements import PACKAGE, views
from backfill_pipelines.stores import sql
from backfill_pipelines_tests.google_sql import Columns, analyse, output_columns
from backfill_pipelines_tests.nba.analytics.statements import (
    PARAMETERS,
    STATUS,
    Scan,
    scans,
    statements,
)
from backfill_pipelines_tests.nba.analytics.tables import Tables

SQL_FOLDER = Path(__file__).parents[3] / "backfill_pipelines" / "nba" / "sql"


@pytest.fixture(scope="module")
def view_columns() -> dict[str, Columns]:
    """Columns of every view, each derived from its SELECT and the views before it."""
    found: dict[str, Columns] = {}
    for name, statement in views().items():
        found[name] = tuple(output_columns(statement, all_contracts().values(), views=found))
    return found


@pytest.fixture(scope="module")
def any_tables(default_game: Path, tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """A warehouse that the statements may change."""
    return Tables(Path(shutil.copy(default_game, tmp_path_factory.mktemp("any") / "nba.duckdb")))


@pytest.mark.parametrize("name", statements())
def test_googles_analyser_takes_the_statement(name: str, view_columns: dict[str, Columns]) -> None:
    analyse(statements()[name], all_contracts().values(), PARAMETERS, view_columns)


def test_googles_analyser_takes_the_views(view_columns: dict[str, Columns]) -> None:
    assert list(view_columns) == list(views())
    assert ("zone", "STRING") in view_columns["nba_raw.shot_attempts"]


@pytest.mark.parametrize("entry", [e for e in CATALOG if f"{e.contract.name}/statement" in statements()])
def test_a_statement_gives_the_columns_of_its_contract(entry, view_columns: dict[str, Columns]) -> None:
    """A column that is missing fails in the insert; one of another type may be converted and lose something."""
    statement = statements()[f"{entry.contract.name}/statement"]
    found = dict(output_columns(statement, all_contracts().values(), PARAMETERS, view_columns))
    assert found == {column.name: column.base_type for column in entry.contract.business_columns}


def test_duckdb_runs_every_statement(any_tables: Tables) -> None:
    with any_tables.warehouse.session(any_tables.work) as session:
        for statement in statements().values():
            session._run(statement, {name: ["any"] if "ARRAY" in kind else "any" for name, kind in PARAMETERS.items()})


@pytest.mark.parametrize("name", [*statements(), *views()])
def test_every_scan_filters_its_partitions(name: str) -> None:
    """Without a filter a statement reads, and bills, five seasons for one date."""
    statement = statements().get(name) or views()[name]
    assert [scan.table for scan in scans(statement) if not scan.is_filtered] == []


@pytest.mark.parametrize(
    ("statement", "is_filtered"),
    [
        ("SELECT points FROM nba_raw.player_lines", False),
        ("SELECT points FROM nba_raw.player_lines WHERE game_date = @start_date", True),
        ("SELECT points FROM nba_raw.player_lines WHERE game_id = 'a' AND team_abbr = 'BOS'", False),
        ("SELECT l.points FROM nba_raw.player_lines AS l WHERE l.game_date BETWEEN @start_date AND @end_date", True),
        ("DELETE FROM nba_raw.player_lines WHERE TRUE", False),
    ],
)
def test_a_scan_without_filter_is_found(statement: str, *, is_filtered: bool) -> None:
    assert scans(statement) == [Scan("nba_raw.player_lines", is_filtered)]


def test_a_join_on_the_other_tables_date_is_no_filter() -> None:
    statement = (
        "SELECT COUNT(*) FROM nba_raw.player_lines AS l JOIN nba_raw.nbac_team_boxscore AS t "
        "ON t.game_date = l.game_date WHERE l.game_date >= DATE '2021-10-19'"
    )
    assert [scan.is_filtered for scan in scans(statement)] == [True, False]


def test_no_statement_file_is_left_out() -> None:
    """A file that nothing loads would never be analysed."""
    texts = [*statements().values(), *views().values()]
    for path in SQL_FOLDER.rglob("*.sql"):
        name = str(path.relative_to(SQL_FOLDER).with_suffix(""))
        text = sql.load(PACKAGE, name)
        plain = text.split("{")[0].strip()
        assert name.removeprefix("status/") in STATUS or any(plain in found for found in texts), name
