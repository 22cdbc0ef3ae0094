"""Request units and time: what writing places takes of a table, and how fast the narrowest part of it lets them in."""

import math
from dataclasses import dataclass

from backfill_pipelines.receipts.place import INDEXES

WRITE_UNIT_BYTES, READ_UNIT_BYTES = 1024, 4096
#: A new table on demand, and any one partition: GSI3 keeps all places under one key, GSITYPE under another.
ON_DEMAND_TABLE_UNITS, ONE_PARTITION_UNITS = 4_000, 1_000
#: Every stored item costs this much more than its bytes.
STORAGE_OVERHEAD_BYTES = 100


def write_units(size: int, indexes: int = len(INDEXES)) -> int:
    """Write units of one put: the item itself, and a copy of it in every index that has it."""
    return math.ceil(size / WRITE_UNIT_BYTES) * (1 + indexes)


def scan_units(total_size: int) -> int:
    """Read units of a strongly consistent scan over so many bytes."""
    return math.ceil(total_size / READ_UNIT_BYTES)


def stored_bytes(size: int, indexes: int = len(INDEXES)) -> int:
    """Billed bytes of one place with its copies, all attributes projected."""
    return (size + STORAGE_OVERHEAD_BYTES) * (1 + indexes)


@dataclass(frozen=True)
class WriteLimits:
    """What a table and its indexes take in a second, and how much of that a backfill may use."""

    table: float = ON_DEMAND_TABLE_UNITS
    #: Provisioned units of each index; empty on demand.
    indexes: tuple[float, ...] = ()
    one_partition: float = ONE_PARTITION_UNITS
    utilisation: float = 0.5

    @property
    def units_per_second(self) -> float:
        """Units a second of one copy, the base item or that of one index."""
        return self.utilisation * min(self.table, self.one_partition, *self.indexes)

    def records_per_second(self, units_of_one_copy: float) -> float:
        """Records a second at so many units for the base item."""
        return self.units_per_second / units_of_one_copy


def overhead_of_record(
    *,
    seconds: float,
    place_ids: int,
    queries_per_minute: float,
    records: int,
    records_per_second: float,
) -> float:
    """Seconds a record that a run took beyond what its calls and writes need; nothing while nothing was measured."""
    needed = seconds_needed(
        place_ids=place_ids,
        queries_per_minute=queries_per_minute,
        records=records,
        records_per_second=records_per_second,
    )
    return max(0.0, seconds - needed) / records if records else 0.0


def seconds_needed(
    *, place_ids: int, queries_per_minute: float, records: int, records_per_second: float, overhead: float = 0.0
) -> float:
    """How long it takes to fetch and to write, which go on at the same time."""
    return max(place_ids / queries_per_minute * 60, records / records_per_second) + overhead
