"""What fetching places came to: one outcome for each id, and counts that reconcile."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.outcomes import Reason


class IdOutcome(StrEnum):
    """What became of a place id; each is the count ``ids_..`` of the equations."""

    CACHE_FRESH = "cache_fresh"
    OK = "ok"
    OBSOLETE = "obsolete"
    MALFORMED = "malformed"
    BAD = "bad"
    FAILED = "failed"
    PARKED = "parked"
    #: Asked to stop before its turn: the id is not counted as taken up.
    NOT_ATTEMPTED = "not_attempted"


#: The outcome of an id that is settled without a place.
OF_REASON: Mapping[Reason, IdOutcome] = {
    Reason.OBSOLETE_ID: IdOutcome.OBSOLETE,
    Reason.MALFORMED_ID: IdOutcome.MALFORMED,
    Reason.BAD_RESPONSE: IdOutcome.BAD,
    Reason.MOVED_CHAIN: IdOutcome.BAD,
    Reason.API_UNAVAILABLE: IdOutcome.FAILED,
    Reason.PARKED_BUDGET: IdOutcome.PARKED,
    Reason.PARKED_QUOTA: IdOutcome.PARKED,
    Reason.STOPPED: IdOutcome.NOT_ATTEMPTED,
}


@dataclass(frozen=True)
class Fetched:
    """One id. ``reason`` None means that the cache holds its place; otherwise it is its records' reason.

    An id whose negative answer was in the cache is ``cache_fresh`` and has the answer's reason.
    """

    place_id: str
    outcome: IdOutcome
    reason: Reason | None = None
    detail: str = ""
    response_id: str = ""
    notes: tuple[str, ...] = ()


@dataclass
class HttpCounts:
    """Attempts by what came back."""

    http_200: int = 0
    #: Refusals other than 429; redirects, which are none of Google's, as well.
    http_4xx: int = 0
    http_429: int = 0
    http_5xx: int = 0
    http_no_answer: int = 0

    @property
    def http_attempts(self) -> int:
        """All of them."""
        return self.http_200 + self.http_4xx + self.http_429 + self.http_5xx + self.http_no_answer

    @property
    def errors(self) -> int:
        """Attempts without an answer about a place: refused for the rate, failed or not answered."""
        return self.http_429 + self.http_5xx + self.http_no_answer

    def count(self, status: int | None) -> None:
        """Count one more."""
        if status is None:
            self.http_no_answer += 1
        elif status == 429:
            self.http_429 += 1
        elif status < 300:
            self.http_200 += 1
        elif status < 500:
            self.http_4xx += 1
        else:
            self.http_5xx += 1


@dataclass
class FetchReport:
    """The outcomes of one fetch, by id in the order asked for."""

    run_id: str
    fetched: dict[str, Fetched] = field(default_factory=dict)
    http: HttpCounts = field(default_factory=HttpCounts)
    #: Prices of the attempts that were settled or are uncertain.
    spent_usd: Decimal = Decimal(0)
    #: Why ids were parked, and the command to go on.
    parked_because: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether every id is settled: nothing failed, parked or not attempted."""
        return not any(
            one.outcome in (IdOutcome.FAILED, IdOutcome.PARKED, IdOutcome.NOT_ATTEMPTED)
            for one in self.fetched.values()
        )

    def counts(self) -> dict[str, int]:
        """The counts of ``outcomes.Totals`` that concern ids and attempts, by name."""
        found = Counter(one.outcome for one in self.fetched.values())
        names = [outcome for outcome in IdOutcome if outcome is not IdOutcome.NOT_ATTEMPTED]
        ids = {f"ids_{outcome}": found[outcome] for outcome in names}
        http = {
            name: getattr(self.http, name)
            for name in ("http_attempts", "http_200", "http_4xx", "http_429", "http_5xx", "http_no_answer")
        }
        return {"distinct_place_ids": sum(ids.values()), **ids, **http}

    def by_outcome(self, outcome: IdOutcome) -> list[Fetched]:
        """The ids with this outcome."""
        return [one for one in self.fetched.values() if one.outcome is outcome]


class PlacesStopped(BackfillError):
    """The API refused the key or the request: no process calls on; no id was given an outcome for it."""

    def __init__(self, kind: str, detail: str, report: FetchReport) -> None:
        repairs = {
            "auth_error": "correct the key (BACKFILL_PLACES_KEY), its restrictions, and that the Places API is enabled",
            "config_error": "correct BACKFILL_PLACES_ENDPOINT, the tier or the field mask",
        }
        super().__init__(
            f"the Places API refused with {kind}: {detail}. All processes have stopped calling, no record was "
            f"skipped. Repair: {repairs.get(kind, 'read the text above')}; then backfill receipts budget --resume"
        )
        self.kind = kind
        self.report = report
