"""The contexts and phase 4 of a real season against their second computation; and proof that it can disagree."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from backfill_pipelines.backfill.contracts import Column
from backfill_pipelines_tests.nba.analytics.comparison import compare, differences
from backfill_pipelines_tests.nba.oracles.agreement import DAYS, ORACLES, left_out, of_table, rows_of
from backfill_pipelines_tests.nba.oracles.stored import Stored

CHRISTMAS = [DAYS["Christmas"]]


@pytest.mark.parametrize("table", ORACLES)
def test_the_stored_rows_agree_with_the_oracle(stored: Stored, table: str) -> None:
    assert of_table(stored, table, DAYS.values()) == []


def test_player_lines_and_the_summaries_agree_with_the_oracle(real_season: Path) -> None:
    found = differences(real_season, list(DAYS.values()))
    assert found == {table: [] for table in found}
    assert len(found) == 4


@pytest.mark.parametrize("table", ORACLES)
def test_troubled_rows_agree_with_the_oracle(troubled: Stored, table: str) -> None:
    """Odds, injuries, ages, lost games and rows that are not ready: paths that no row of the real feeds takes."""
    assert of_table(troubled, table, DAYS.values()) == []


@pytest.mark.parametrize(
    ("table", "rows"),
    [
        ("team_contexts", 2_646),
        ("player_contexts", 28_050),
        ("team_zones", 5_970),
        ("player_zones", 96_651),
        ("factors", 25_792),
        ("caches", 24_772),
        ("features", 25_792),
    ],
)
def test_the_season_has_the_rows_that_were_counted_beforehand(real_season: Path, table: str, rows: int) -> None:
    contract, _ = ORACLES[table]
    with duckdb.connect(str(real_season), read_only=True) as connection:
        first_season = f"{contract.partition_column} <= DATE '{DAYS['last final']}'"
        found = connection.sql(f"SELECT COUNT(*) FROM {contract.full_name} WHERE {first_season}").fetchall()
    assert found == [(rows,)]


@pytest.mark.parametrize(
    ("day", "players", "zones", "cached"),
    [
        ("first day of phase 4", 108, 304, 85),
        ("full house", 241, 375, 220),
        ("Christmas", 98, 444, 83),
        ("after the All-Star break", 153, 511, 149),
        ("last final", 22, 537, 22),
    ],
)
def test_days_have_the_rows_that_were_counted_beforehand(
    stored: Stored, day: str, players: int, zones: int, cached: int
) -> None:
    found = {table: len(rows_of(stored, table, [DAYS[day]])) for table in ORACLES}
    del found["team_contexts"]
    assert found == {
        "player_contexts": players,
        "team_zones": 30,
        "player_zones": zones,
        "factors": players,
        "caches": cached,
        "features": players,
    }


@pytest.mark.parametrize("table", ORACLES)
def test_one_wrong_value_of_any_column_is_found(stored: Stored, table: str) -> None:
    """A comparison that cannot fail proves nothing: every column is damaged in turn, in one row."""
    contract, oracle = ORACLES[table]
    found = rows_of(stored, table, CHRISTMAS)[:3]
    keys = [tuple(row[name] for name in contract.key) for row in found]
    every = oracle(stored, CHRISTMAS)
    exact = every[[key in keys for key in every[list(contract.key)].itertuples(index=False, name=None)]]
    columns = [
        column for column in contract.business_columns if column.name not in {*contract.key, *left_out(contract)}
    ]
    for column in columns:
        damaged = _with(found, 0, {column.name: _wrong(column, found[0][column.name])})
        texts = list(compare(contract, pd.DataFrame(damaged, dtype=object), exact, left_out(contract)))
        key = "/".join(str(found[0][name]) for name in contract.key)
        assert [text.split(":")[0] for text in texts] == [f"{column.name} of {key}"]


@pytest.mark.parametrize("table", ORACLES)
def test_one_lost_and_one_doubled_row_are_found(stored: Stored, table: str) -> None:
    rows = rows_of(stored, table, CHRISTMAS)
    damaged = replace(stored, **{table: [*rows[1:], rows[-1]]})
    assert Counter(text.split(":")[0] for text in of_table(damaged, table, CHRISTMAS)) == {"not stored": 1, "twice": 1}


@pytest.mark.parametrize("table", ORACLES)
def test_a_row_of_another_day_is_found(stored: Stored, table: str) -> None:
    """A partition that holds yesterday's rows under today's date agrees in nothing but the key."""
    partition = ORACLES[table][0].partition_column
    moved = [row | {partition: DAYS["All-Star game"]} for row in rows_of(stored, table, CHRISTMAS)]
    texts = of_table(replace(stored, **{table: moved}), table, [DAYS["All-Star game"]])
    assert Counter(text.split(":")[0] for text in texts) == {"not expected": len(moved)}


def _with(rows: Sequence[Any], position: int, values: dict[str, Any]) -> list[Any]:
    return [row | values if index == position else row for index, row in enumerate(rows)]


def _wrong(column: Column, value: Any) -> Any:
    """Another value, as near as the column can say without being right."""
    if column.base_type.startswith("ARRAY"):
        return [*value[:-1], value[-1] + (1e-3 if column.base_type == "ARRAY<FLOAT64>" else "x")] if value else ["x"]
    step = {
        "NUMERIC": lambda: Decimal(2).scaleb(-column.scale),
        "INT64": lambda: 1,
        "FLOAT64": lambda: 0.1,
        "DATE": lambda: timedelta(days=1),
        "STRING": lambda: "x",
    }
    if column.base_type == "BOOL":
        return not value
    if column.base_type == "TIMESTAMP":
        return pd.Timestamp("2000-01-01")
    if value is None:
        return step[column.base_type]()
    return value + step[column.base_type]()
