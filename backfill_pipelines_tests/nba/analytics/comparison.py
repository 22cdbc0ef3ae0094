"""What a warehouse holds against what the oracle says: keys in both directions, every business column."""

from collections.abc import Collection, Container, Iterator
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from backfill_pipelines.backfill.contracts import Column, TableContract
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import PLAYER_LINES
from backfill_pipelines_tests.nba.analytics import oracle

NULLABLE = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype(), pa.string(): pd.StringDtype()}
#: Tolerance on top of half a unit of the last stored digit.
SLACK = 1e-9
#: Digits after the point of the numbers in an array.
FEATURE_DIGITS = 4


def read(connection: duckdb.DuckDBPyConnection, table: str, days: Collection[date] = ()) -> pd.DataFrame:
    """A table, or its rows of some days, as a frame whose integers, flags and texts may be NULL."""
    chosen = f" WHERE game_date IN ({', '.join(f'DATE {str(day)!r}' for day in days)})" if days else ""
    return connection.sql(f"SELECT * FROM {table}{chosen}").to_arrow_table().to_pandas(types_mapper=NULLABLE.get)


def raw_of(connection: duckdb.DuckDBPyConnection, days: Collection[date] = ()) -> oracle.Raw:
    """The raw tables of a warehouse, or their rows of some days."""
    return oracle.Raw(
        schedule=read(connection, "nba_raw.nbac_schedule", days),
        team_box=read(connection, "nba_raw.nbac_team_boxscore", days),
        lineups=read(connection, "nba_raw.nbac_starting_lineups", days),
        gamebook=read(connection, "nba_raw.nbac_gamebook_player_stats", days),
        bdl=read(connection, "nba_raw.bdl_player_boxscores", days),
        play_by_play=read(connection, "nba_raw.bigdataball_play_by_play", days),
        props=read(connection, "nba_raw.odds_api_player_points_props", days),
        accepted=read(connection, "nba_reference.accepted_gaps"),
    )


def differences(path: Path, days: Collection[date] = ()) -> dict[str, list[str]]:
    """Every difference between the stored tables and the oracle, by table; of some days, or of all that are there."""
    with duckdb.connect(str(path), read_only=True) as connection:
        raw = raw_of(connection, days)
        lines = oracle.player_lines(raw)
        offense = oracle.team_offense(raw, lines)
        players = oracle.player_summary(raw, lines, offense)
        exact = {
            PLAYER_LINES: lines,
            TEAM_OFFENSE: offense,
            PLAYER_SUMMARY: players,
            TEAM_DEFENSE: oracle.team_defense(offense, players),
        }
        return {
            contract.full_name: list(compare(contract, read(connection, contract.full_name, days), frame))
            for contract, frame in exact.items()
        }


def compare(
    contract: TableContract, stored: pd.DataFrame, exact: pd.DataFrame, left_out: Container[str] = ()
) -> Iterator[str]:
    """Differences of one table, in words; ``left_out`` are columns that the specification leaves open."""
    key = list(contract.key)
    stored, exact = (
        frame.assign(**{name: frame[name].astype(str) for name in key}).set_index(key).sort_index()
        for frame in (stored, exact)
    )
    yield from (f"not stored: {lost}" for lost in exact.index.difference(stored.index))
    yield from (f"not expected: {extra}" for extra in stored.index.difference(exact.index))
    yield from (f"twice: {twice}" for twice in stored.index[stored.index.duplicated()])
    stored = stored[~stored.index.duplicated()]
    both = stored.index.intersection(exact.index)
    for column in contract.business_columns:
        if column.name not in key and column.name not in left_out:
            yield from _compare_column(column, stored[column.name][both], exact[column.name][both])


def _compare_column(column: Column, stored: pd.Series, exact: pd.Series) -> Iterator[str]:
    for where, found, wanted in zip(stored.index, stored, exact, strict=True):
        if not _agree(column, found, wanted):
            yield f"{column.name} of {'/'.join(where)}: stored {found!r}, exact {wanted!r}"


def _agree(column: Column, found: object, wanted: object) -> bool:
    if column.base_type.startswith("ARRAY"):
        return found is not None and _lists_agree(column, list(found), list(wanted))
    if pd.isna(found) or pd.isna(wanted):
        return bool(pd.isna(found) and pd.isna(wanted))
    if column.base_type == "NUMERIC":
        return abs(float(found) - float(wanted)) <= 0.5 * 10**-column.scale + SLACK
    if column.base_type == "FLOAT64":
        return abs(float(found) - float(wanted)) <= SLACK
    if column.base_type == "DATE":
        return _day(found) == _day(wanted)
    return bool(found == wanted)


def _lists_agree(column: Column, found: list[object], wanted: list[object]) -> bool:
    """Numbers and what stands beside them keep their order; sets of names have none."""
    if column.base_type == "ARRAY<FLOAT64>":
        return len(found) == len(wanted) and all(
            abs(float(one) - float(other)) <= 0.5 * 10**-FEATURE_DIGITS + SLACK
            for one, other in zip(found, wanted, strict=True)
        )
    return found == wanted if column.name.startswith("feature_") else sorted(found) == sorted(wanted)


def _day(value: object) -> date:
    return pd.Timestamp(value).date()
