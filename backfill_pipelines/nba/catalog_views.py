"""Views whose text follows from the catalog: which tables there are, and which keys each has on each date.

Written as UNION ALL of one SELECT for each table, each with a constant filter on its partition column: a new entry
of the catalog is in every coverage report without another line of SQL. What the keys mean is in
``sql/reference/partition_states.sql``.
"""

from collections.abc import Iterable, Sequence

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.catalog import RAW_PHASE, Entry
from backfill_pipelines.nba.seasons import SEASONS

_FIRST_DAY = f"DATE '{SEASONS[0].opening}'"


def catalog_tables(catalog: Sequence[Entry]) -> str:
    """Grain: one row for each table of the catalog, in the order of the work.

    A raw table is required when a later phase cannot do without it; the others may be absent.
    """
    required = required_tables(catalog)
    rows = [
        f"SELECT '{e.contract.full_name}' AS table_name, '{e.phase}' AS phase, '{e.processor}' AS processor_name, "
        f"{_boolean(e.contract.full_name in required)} AS is_required, {place} AS position"
        for place, e in enumerate(catalog, start=1)
    ]
    return _union(rows)


def required_tables(catalog: Sequence[Entry]) -> list[str]:
    """The tables that a later phase cannot do without, in the order of the work; every computed one is."""
    read = {contract.full_name for entry in catalog if entry.phase != RAW_PHASE for contract in entry.reads}
    return [e.contract.full_name for e in catalog if e.phase != RAW_PHASE or e.contract.full_name in read]


def partition_keys(catalog: Sequence[Entry]) -> str:
    """Grain: (table_name, partition_date, key): is the key expected, how many rows has it, is its absence accepted?"""
    return (
        "SELECT table_name, partition_date, key, MAX(is_expected) AS is_expected, "
        "SUM(row_count) AS row_count, MAX(is_accepted) AS is_accepted\n"
        f"FROM (\n{_union([*_expected(catalog), *_found(catalog), *_accepted(catalog)])}\n)\n"
        "GROUP BY table_name, partition_date, key"
    )


def duplicate_keys(catalog: Sequence[Entry]) -> str:
    """Grain: (table_name, partition_date, key) of a key that has more than one published row."""
    return _union(_duplicates(entry.contract) for entry in catalog)


def _duplicates(contract: TableContract) -> str:
    date, grain = contract.partition_column, ", ".join(dict.fromkeys([contract.partition_column, *contract.key]))
    key = ", '/', ".join(f"IFNULL(CAST({name} AS STRING), 'NULL')" for name in contract.key)
    return (
        f"SELECT '{contract.full_name}' AS table_name, {date} AS partition_date, CONCAT({key}) AS key, "
        f"COUNT(*) AS row_count FROM {contract.full_name} WHERE {date} >= {_FIRST_DAY} GROUP BY {grain} "
        "HAVING COUNT(*) > 1"
    )


def _expected(catalog: Sequence[Entry]) -> Iterable[str]:
    """Each expected set once, for all the tables that have it."""
    tables: dict[str, list[str]] = {}
    for entry in catalog:
        tables.setdefault(entry.coverage.view, []).append(entry.contract.full_name)
    for view, names in tables.items():
        yield (
            "SELECT table_name, e.partition_date, e.key, 1 AS is_expected, 0 AS row_count, 0 AS is_accepted "
            f"FROM {view} AS e CROSS JOIN UNNEST([{_listed(names)}]) AS table_name "
            f"WHERE e.partition_date >= {_FIRST_DAY}"
        )


def _found(catalog: Sequence[Entry]) -> Iterable[str]:
    for entry in catalog:
        date, key = entry.contract.partition_column, entry.coverage.column
        yield (
            f"SELECT '{entry.contract.full_name}', {date}, {key}, 0, COUNT(*), 0 "
            f"FROM {entry.contract.full_name} WHERE {date} >= {_FIRST_DAY} GROUP BY {date}, {key}"
        )


def _accepted(catalog: Sequence[Entry]) -> Iterable[str]:
    """A hole that is accepted in a table is accepted in every table that must read it."""
    by_table = {entry.contract.full_name: entry for entry in catalog}
    for entry in catalog:
        sources = _required_sources(entry.contract, by_table)
        yield (
            f"SELECT '{entry.contract.full_name}', game_date, game_id, 0, 0, 1 FROM nba_reference.accepted_games "
            f"WHERE game_date >= {_FIRST_DAY} AND table_name IN ({_listed(sources)})"
        )


def _required_sources(contract: TableContract, by_table: dict[str, Entry]) -> list[str]:
    """The table and, step by step, everything it must read, in the order of the catalog."""
    found, waiting = set[str](), [contract.full_name]
    while waiting:
        name = waiting.pop()
        if name not in found and name in by_table:
            found.add(name)
            waiting += [read.full_name for read in by_table[name].reads]
    return [name for name in by_table if name in found]


def _union(selects: Iterable[str]) -> str:
    return "\nUNION ALL ".join(selects)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _boolean(value: bool) -> str:  # noqa: FBT001 # the one value that is written
    return "TRUE" if value else "FALSE"
