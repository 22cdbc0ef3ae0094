"""Data assessment: what the source holds, counted before anything is called or written. Counts only, as data."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from backfill_pipelines.receipts.capacity import WriteLimits, seconds_needed, stored_bytes
from backfill_pipelines.receipts.keys import Malformed, RecordKey
from backfill_pipelines.receipts.metadata import Eligibility, Metadata, eligibility
from backfill_pipelines.receipts.names import slug, usable_phone
from backfill_pipelines.receipts.place import INDEXES
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.receipts.prices import SKUS, Tier, cost_of_calls, cost_of_write_units

_TOP_IDS = 10
_USUAL_ID_LENGTH = 27


@dataclass(frozen=True)
class Share:
    """A count, and of how many."""

    count: int
    of: int

    @property
    def percent(self) -> float:
        """In percent, one digit; 0 of nothing is 0."""
        return round(100 * self.count / self.of, 1) if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.count:,} ({self.percent} %)"


@dataclass(frozen=True)
class Assessed:
    """One metadata row with what the inventory found out about it."""

    metadata: Metadata
    reason: Eligibility
    existing: Existing = Existing.NONE

    @property
    def is_eligible(self) -> bool:
        """Whether the record gets a place."""
        return self.reason is Eligibility.ELIGIBLE


@dataclass(frozen=True)
class Census:
    """Everything a scan of the table found."""

    rows_by_type: Mapping[str, int]
    records: Sequence[Assessed]
    malformed: Sequence[Malformed]
    receipts: frozenset[RecordKey]


@dataclass(frozen=True)
class Presence:
    """Which of the fields that a place needs are there."""

    place_id: Share
    merchant_name: Share
    address: Share
    all_three: Share


@dataclass(frozen=True)
class PlaceIds:
    """The place ids of the eligible records: one call each, however many records share them."""

    distinct: int
    calls_saved: Share
    most_used: tuple[tuple[str, int], ...]
    suspicious: tuple[str, ...]
    with_many_names: Mapping[str, tuple[str, ...]]
    canonical_differs: int


@dataclass(frozen=True)
class Phones:
    """What the phone numbers are good for."""

    usable: int
    placeholder: int
    blank: int
    rejected: int


@dataclass(frozen=True)
class Assessment:
    """The counts of the plan."""

    rows_by_type: Mapping[str, int]
    metadata_rows: int
    by_reason: Mapping[str, int]
    malformed_by_reason: Mapping[str, int]
    usable: Presence
    #: The plan's own counts, ``IS NOT NULL``: they take the text "null" for a value.
    not_null: Presence
    #: None until the answers are there: a metadata row has no coordinates.
    with_coordinates: Share | None
    place_ids: PlaceIds
    existing: Mapping[Existing, int]
    receipts_without_metadata: int
    metadata_without_receipt: int
    phones: Phones
    #: Names whose metadata rows stand under another GSI1 key than their places.
    renamed_keys: Share

    @property
    def eligible(self) -> int:
        """Records that get a place."""
        return self.by_reason[Eligibility.ELIGIBLE]

    @property
    def ineligible(self) -> int:
        """Records that get none, with their reasons in ``by_reason``."""
        return sum(self.by_reason.values()) - self.eligible


def assess(census: Census, ids_with_coordinates: frozenset[str] | None = None) -> Assessment:
    """Count a census; ``ids_with_coordinates`` are the place ids whose answer has a location, once there is one."""
    rows = [record.metadata for record in census.records]
    eligible = [record.metadata for record in census.records if record.is_eligible]
    total, keys = len(rows) + len(census.malformed), {row.key for row in rows}
    reasons = Counter(record.reason for record in census.records)
    return Assessment(
        rows_by_type=dict(sorted(census.rows_by_type.items())),
        metadata_rows=total,
        by_reason={str(reason): reasons[reason] for reason in Eligibility},
        malformed_by_reason=dict(sorted(Counter(str(row.reason) for row in census.malformed).items())),
        usable=_usable(rows, total),
        not_null=_not_null(rows, total),
        with_coordinates=_located(eligible, ids_with_coordinates),
        place_ids=_place_ids(eligible),
        existing={state: sum(record.existing is state for record in census.records) for state in Existing},
        receipts_without_metadata=len(census.receipts - keys),
        metadata_without_receipt=len(keys - census.receipts),
        phones=_phones(rows),
        renamed_keys=_renamed_keys(rows),
    )


def _presence(has: Iterable[tuple[bool, bool, bool]], total: int) -> Presence:
    found = list(has)
    counts = [Share(sum(one[at] for one in found), total) for at in range(3)]
    return Presence(*counts, all_three=Share(sum(all(one) for one in found), total))


def _usable(rows: Sequence[Metadata], total: int) -> Presence:
    is_id = (eligibility(row) is Eligibility.ELIGIBLE for row in rows)
    return _presence(((i, bool(r.merchant_name), bool(r.address)) for i, r in zip(is_id, rows, strict=True)), total)


def _not_null(rows: Sequence[Metadata], total: int) -> Presence:
    names = ("place_id", "merchant_name", "address")
    return _presence(((names[0] in r.present, names[1] in r.present, names[2] in r.present) for r in rows), total)


def _located(eligible: Sequence[Metadata], ids: frozenset[str] | None) -> Share | None:
    return None if ids is None else Share(sum(row.place_id in ids for row in eligible), len(eligible))


def _place_ids(eligible: Sequence[Metadata]) -> PlaceIds:
    uses = Counter(row.place_id for row in eligible)
    names: dict[str, set[str]] = {}
    for row in eligible:
        names.setdefault(row.place_id, set()).update({row.merchant_name} - {""})
    return PlaceIds(
        distinct=len(uses),
        calls_saved=Share(len(eligible) - len(uses), len(eligible)),
        most_used=tuple(sorted(uses.items(), key=lambda use: (-use[1], use[0]))[:_TOP_IDS]),
        suspicious=tuple(sorted(i for i in uses if i.startswith("ChIJ") and len(i) != _USUAL_ID_LENGTH)),
        with_many_names={i: tuple(sorted(found)) for i, found in sorted(names.items()) if len(found) > 1},
        canonical_differs=sum(row.canonical_place_id not in ("", row.place_id) for row in eligible),
    )


def _phones(rows: Sequence[Metadata]) -> Phones:
    usable = sum(bool(usable_phone(row.phone_number)) for row in rows)
    placeholder = sum("phone_number" in row.placeholders for row in rows)
    blank = sum(not row.phone_number for row in rows) - placeholder
    return Phones(usable, placeholder, blank, len(rows) - usable - placeholder - blank)


def _renamed_keys(rows: Sequence[Metadata]) -> Share:
    """The old rule turns a space into an underscore and keeps every other sign."""
    names = {row.merchant_name for row in rows} - {""}
    return Share(sum(name.upper().replace(" ", "_") != slug(name) for name in names), len(names))


@dataclass(frozen=True)
class Assumptions:
    """What an estimate supposes: sizes as measured on real answers, and the settings of the run."""

    tier: Tier = Tier.FULL
    calls_used_this_month: int = 0
    fresh_ids: frozenset[str] = frozenset()
    mean_bytes: int = 2_873
    mean_units: Decimal = Decimal("3.17")
    indexes: int = len(INDEXES)
    queries_per_minute: float = 300
    limits: WriteLimits = field(default_factory=WriteLimits)
    overhead_seconds: float = 0.0


@dataclass(frozen=True)
class Estimate:
    """What the migration will take, if the assumptions hold."""

    places_to_create: int
    calls: Mapping[str, int]
    calls_cost: Decimal
    write_units: int
    write_cost: Decimal
    storage_bytes: int
    seconds: float


def estimate(census: Census, assumptions: Assumptions) -> Estimate:
    """Estimate from the records that have no place yet; one call for each place id that the cache does not hold."""
    missing = [r.metadata.place_id for r in census.records if r.is_eligible and r.existing is Existing.NONE]
    return estimate_of(missing, assumptions)


def estimate_of(missing: Sequence[str], assumptions: Assumptions) -> Estimate:
    """The estimate from the place ids of the records that have no place yet, one for each record."""
    calls = len(set(missing) - assumptions.fresh_ids)
    sku, copies = SKUS[assumptions.tier], 1 + assumptions.indexes
    units = int((len(missing) * assumptions.mean_units * copies).to_integral_value())
    return Estimate(
        places_to_create=len(missing),
        calls={sku.name: calls},
        calls_cost=cost_of_calls(sku, calls, assumptions.calls_used_this_month),
        write_units=units,
        write_cost=cost_of_write_units(units),
        storage_bytes=len(missing) * stored_bytes(assumptions.mean_bytes, assumptions.indexes),
        seconds=seconds_needed(
            place_ids=calls,
            queries_per_minute=assumptions.queries_per_minute,
            records=len(missing),
            records_per_second=assumptions.limits.records_per_second(float(assumptions.mean_units)),
            overhead=assumptions.overhead_seconds,
        ),
    )
