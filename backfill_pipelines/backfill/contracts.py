"""Table contracts: the one description of a table that everything else is derived from.

A contract creates the table, feeds Dagster's column schema, the staging area, the row hash and the schema gate.
No SQL dialect and no Dagster type lives here.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

_LINE = re.compile(r"^(?P<name>\w+) (?P<type>[A-Z0-9_]+(?:<\w+>|\(\d+,\d+\))?)(?P<required>!?)(?: (?P<text>.+))?$")

#: Set by the run that writes a row, so no part of what the row says.
LEDGER_COLUMNS = ("data_hash", "run_id", "processed_at")
#: Which capture a row was read from: provenance. A recapture with equal content must not look like a change.
PROVENANCE_COLUMNS = ("source_file_path", "capture_ts")


class ContractError(ValueError):
    """A contract's text does not follow ``name TYPE[!] description``."""


@dataclass(frozen=True)
class Column:
    """One column: GoogleSQL type with parameters, ``required`` for NOT NULL."""

    name: str
    type: str
    required: bool
    description: str

    @property
    def base_type(self) -> str:
        """The type without parameters: ``NUMERIC(6,2)`` -> ``NUMERIC``."""
        return self.type.split("(")[0]

    @property
    def scale(self) -> int:
        """Digits after the point of a NUMERIC."""
        return int(self.type.rstrip(")").split(",")[1])


@dataclass(frozen=True)
class TableContract:
    """A table: name, grain, columns, key, and the column that partitions drive."""

    dataset: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition_column: str
    cluster: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """``dataset.table`` as SQL writes it."""
        return f"{self.dataset}.{self.name}"

    @property
    def staging_name(self) -> str:
        """Where rows wait for their gates; same columns, nothing required."""
        return f"{self.dataset}_staging.{self.name}"

    @property
    def asset_key(self) -> list[str]:
        """Asset key parts; they mirror the store."""
        return [self.dataset, self.name]

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """Columns by name, in contract order."""
        return {column.name: column for column in self.columns}

    @cached_property
    def business_columns(self) -> tuple[Column, ...]:
        """Columns that the statement or loader of the table supplies."""
        return tuple(c for c in self.columns if c.name not in LEDGER_COLUMNS)

    @cached_property
    def hashed_columns(self) -> tuple[Column, ...]:
        """Columns of ``data_hash``: business values only, neither provenance nor JSON text."""
        left_out = {*PROVENANCE_COLUMNS}
        return tuple(
            c
            for c in self.business_columns
            if c.name not in left_out and c.type != "JSON" and not c.name.endswith("_json")
        )


def parse_columns(text: str, glossary: dict[str, str] | None = None) -> tuple[Column, ...]:
    """Columns from lines ``name TYPE[!] description``; a missing description is looked up in the glossary.

    Raises:
        ContractError: a line that cannot be read, or a column that nobody describes.
    """
    return tuple(_column(line.strip(), glossary or {}) for line in text.strip().splitlines() if line.strip())


def _column(line: str, glossary: dict[str, str]) -> Column:
    match = _LINE.match(line)
    if match is None:
        raise ContractError(f"column line {line!r} is not 'name TYPE[!] description'")
    description = match["text"] or glossary.get(match["name"])
    if not description:
        raise ContractError(f"column {match['name']} has no description, here or in the glossary")
    return Column(match["name"], match["type"], match["required"] == "!", description)


def contracts_by_name(contracts: Iterable[TableContract]) -> dict[str, TableContract]:
    """Contracts by ``dataset.table``.

    Raises:
        ContractError: two contracts of one name, or a key or partition column that does not exist.
    """
    found: dict[str, TableContract] = {}
    for contract in contracts:
        missing = _unknown(contract, [*contract.key, contract.partition_column, *contract.cluster])
        if missing or contract.full_name in found:
            raise ContractError(f"contract {contract.full_name}: duplicate, or unknown columns {missing}")
        found[contract.full_name] = contract
    return found


def _unknown(contract: TableContract, names: Sequence[str]) -> list[str]:
    return sorted({name for name in names if name not in contract.by_name})
