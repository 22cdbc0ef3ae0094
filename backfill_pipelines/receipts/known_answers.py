"""Answers for the writer: from the cache while they are fresh, by a fetch where that is allowed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from backfill_pipelines.receipts.fetch_report import Fetched, FetchReport
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.places_cache import Entry, PlacesCache
from backfill_pipelines.receipts.prices import field_mask
from backfill_pipelines.receipts.record_preparing import Answer

#: Asks the API for ids, as far as rate, budget and service allow; the answers are in the cache afterwards.
Fetch = Callable[[Sequence[str]], FetchReport]


def fresh_entries(
    cache: PlacesCache, settings: MigrationSettings, place_ids: Iterable[str], now: datetime | None = None
) -> dict[str, Entry]:
    """The cached answers that may be used at these settings, by id."""
    return cache.fresh(
        place_ids,
        max_age=timedelta(days=settings.cache_max_age_days),
        field_mask=field_mask(settings.wanted_tier, with_photos=settings.photo_references_max > 0),
        now=now or datetime.now(UTC),
    )


class KnownAnswers:
    """The answers of one run; used by one thread at a time. ``fetch`` None is a run that may not call."""

    def __init__(self, cache: PlacesCache, settings: MigrationSettings, fetch: Fetch | None = None) -> None:
        self._cache = cache
        self._settings = settings
        self._fetch = fetch
        #: Ids that a fetch of this run left open: asking again in the same run would only fail again.
        self._open: dict[str, Fetched] = {}
        self.reports: list[FetchReport] = []

    def of(self, place_ids: Sequence[str]) -> Mapping[str, Answer]:
        """An answer for each id that has one, after a fetch of those that nobody has asked for yet."""
        found = fresh_entries(self._cache, self._settings, place_ids)
        missing = [place_id for place_id in place_ids if place_id not in found and place_id not in self._open]
        if missing and self._fetch is not None:
            report = self._fetch(missing)
            self.reports.append(report)
            found |= fresh_entries(self._cache, self._settings, missing)
            self._open |= {i: one for i, one in report.fetched.items() if i not in found}
        answers = {place_id: Answer(entry.body, entry.reason, entry.detail) for place_id, entry in found.items()}
        left = {i: self._open[i] for i in place_ids if i in self._open}
        # An id that was not reached before the run was stopped says nothing about its records.
        told = {i: one for i, one in left.items() if one.reason not in (None, Reason.STOPPED)}
        return answers | {i: Answer(None, one.reason, one.detail) for i, one in told.items()}
