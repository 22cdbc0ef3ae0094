"""What became of a record: its outcome, why, and the equations that all counts of a run must satisfy."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What one run did with one eligible record."""

    CREATED = "created"
    ENRICHED = "enriched"
    EXISTING = "existing"
    QUARANTINED = "quarantined"
    FAILED = "failed"
    PARKED = "parked"
    NOT_ATTEMPTED = "not_attempted"


class Reason(StrEnum):
    """Why a record has its outcome; created and enriched need none."""

    EXISTING = "existing"
    EXISTING_STUB = "existing_stub"
    EXISTING_CONFLICT = "existing_conflict"
    OBSOLETE_ID = "obsolete_id"
    MALFORMED_ID = "malformed_id"
    MOVED_CHAIN = "moved_chain"
    BAD_RESPONSE = "bad_response"
    NO_COORDINATES = "no_coordinates"
    BAD_COORDINATES = "bad_coordinates"
    NAME_UNSLUGABLE = "name_unslugable"
    ITEM_TOO_LARGE = "item_too_large"
    INVALID_ITEM = "invalid_item"
    SOURCE_CHANGED = "source_changed"
    API_UNAVAILABLE = "api_unavailable"
    THROTTLED = "throttled"
    WRITE_ERROR = "write_error"
    PARKED_BUDGET = "parked_budget"
    PARKED_QUOTA = "parked_quota"
    LIMIT = "limit"
    STOPPED = "stopped"


#: The table holds an item of this run.
WRITTEN = frozenset((Outcome.CREATED, Outcome.ENRICHED))
#: A later run of the same plan does not take the record up again.
SETTLED = WRITTEN | {Outcome.EXISTING, Outcome.QUARANTINED}

REASONS: Mapping[Outcome, frozenset[Reason]] = {
    Outcome.CREATED: frozenset(),
    Outcome.ENRICHED: frozenset(),
    Outcome.EXISTING: frozenset((Reason.EXISTING, Reason.EXISTING_STUB, Reason.EXISTING_CONFLICT)),
    Outcome.QUARANTINED: frozenset(
        (
            Reason.OBSOLETE_ID,
            Reason.MALFORMED_ID,
            Reason.MOVED_CHAIN,
            Reason.BAD_RESPONSE,
            Reason.NO_COORDINATES,
            Reason.BAD_COORDINATES,
            Reason.NAME_UNSLUGABLE,
            Reason.ITEM_TOO_LARGE,
            Reason.INVALID_ITEM,
            Reason.SOURCE_CHANGED,
        )
    ),
    Outcome.FAILED: frozenset((Reason.API_UNAVAILABLE, Reason.THROTTLED, Reason.WRITE_ERROR)),
    Outcome.PARKED: frozenset((Reason.PARKED_BUDGET, Reason.PARKED_QUOTA)),
    Outcome.NOT_ATTEMPTED: frozenset((Reason.LIMIT, Reason.STOPPED)),
}


def outcome_of(reason: Reason) -> Outcome:
    """The one outcome that has this reason."""
    return next(outcome for outcome, reasons in REASONS.items() if reason in reasons)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Every count of a bucket, a wave or a run. Nothing has a default: a count that was not taken is no zero."""

    scanned_metadata: int
    eligible: int
    ineligible: int
    malformed: int

    created: int
    enriched: int
    existing: int
    quarantined: int
    failed: int
    parked: int
    not_attempted: int

    distinct_place_ids: int
    ids_cache_fresh: int
    ids_ok: int
    ids_obsolete: int
    ids_malformed: int
    ids_bad: int
    ids_failed: int
    ids_parked: int

    http_attempts: int
    http_200: int
    http_4xx: int
    http_429: int
    http_5xx: int
    http_no_answer: int

    places_before: int
    places_after: int
    places_by_others: int
    places_removed_by_others: int
    ledger_applied: int


@dataclass(frozen=True)
class Equation:
    """One count is the sum of others, less some."""

    total: str
    plus: tuple[str, ...]
    minus: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.total} = {' + '.join(self.plus)}" + "".join(f" - {name}" for name in self.minus)

    def expected(self, totals: Totals) -> int:
        """The right-hand side."""
        return _sum(totals, self.plus) - _sum(totals, self.minus)


EQUATIONS = (
    Equation("scanned_metadata", ("eligible", "ineligible", "malformed")),
    Equation("eligible", ("created", "enriched", "existing", "quarantined", "failed", "parked", "not_attempted")),
    Equation(
        "distinct_place_ids",
        ("ids_cache_fresh", "ids_ok", "ids_obsolete", "ids_malformed", "ids_bad", "ids_failed", "ids_parked"),
    ),
    Equation("http_attempts", ("http_200", "http_4xx", "http_429", "http_5xx", "http_no_answer")),
    Equation("places_after", ("places_before", "created", "places_by_others"), ("places_removed_by_others",)),
    Equation("ledger_applied", ("created", "enriched")),
)


@dataclass(frozen=True)
class Imbalance:
    """An equation that does not hold."""

    equation: Equation
    actual: int
    expected: int

    @property
    def difference(self) -> int:
        """How much the left-hand side is too large; negative when it is too small."""
        return self.actual - self.expected

    def __str__(self) -> str:
        return f"{self.equation}: {self.actual:,} is not {self.expected:,} ({self.difference:+,})"


def imbalances(totals: Totals, equations: Iterable[Equation] = EQUATIONS) -> tuple[Imbalance, ...]:
    """The equations that fail, and by how much; empty when the counts reconcile."""
    found = (Imbalance(e, _sum(totals, (e.total,)), e.expected(totals)) for e in equations)
    return tuple(imbalance for imbalance in found if imbalance.difference)


def _sum(totals: Totals, names: Iterable[str]) -> int:
    return sum(getattr(totals, name) for name in names)
