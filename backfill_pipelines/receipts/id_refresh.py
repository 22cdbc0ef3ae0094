"""Place ids whose last answer is older than a year, and the free call that says whether Google still knows them.

receipts/place_ids/..  the answers, beside the cached places, whose content stays as old as it is

An id that has moved or is gone is told to people: metadata and places are not corrected here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.fetch_report import FetchReport
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.patience import PATIENT, Patience
from backfill_pipelines.receipts.place_fetching import fetch_places, places_limit
from backfill_pipelines.receipts.places_cache import Entry, PlacesCache
from backfill_pipelines.receipts.prices import Tier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.places import PlacesClient

FOLDER = "receipts/place_ids"
OLDEST_ID = timedelta(days=365)
COMMAND = "backfill receipts refresh-ids --apply"


@dataclass(frozen=True)
class IdAges:
    """Place ids by what is known of their age."""

    #: Not answered for within a year; sorted.
    old: tuple[str, ...]
    #: Answers of free calls within the last year, by the id that was asked for.
    refreshed: Mapping[str, Entry]

    @property
    def moved(self) -> Mapping[str, str]:
        """The ids that Google answers under another one, and that one."""
        return {i: entry.response_id for i, entry in self.refreshed.items() if entry.is_ok and entry.response_id != i}

    @property
    def gone(self) -> Mapping[str, str]:
        """The ids that Google does not know any more, and why."""
        return {i: str(entry.reason) for i, entry in self.refreshed.items() if not entry.is_ok}

    @property
    def text(self) -> str:
        """One line for a report."""
        found = (
            f"{len(self.refreshed):,} refreshed ({len(self.moved):,} moved, {len(self.gone):,} gone), "
            f"{len(self.old):,} older than {OLDEST_ID.days} days"
        )
        return f"{found}: {COMMAND}" if self.old else found


def id_ages(objects: ObjectStore, place_ids: Iterable[str], now: datetime) -> IdAges:
    """Which of the ids are due; one that nobody has ever asked for is of no known age, and not among them."""
    wanted = sorted(set(place_ids))
    content = PlacesCache(objects).read(wanted)
    checked = PlacesCache(objects, FOLDER).read(wanted)
    refreshed = {i: entry for i, entry in checked.items() if entry.age(now) <= OLDEST_ID}
    old = [i for i, entry in content.items() if entry.age(now) > OLDEST_ID and i not in refreshed]
    return IdAges(tuple(old), refreshed)


def refresh_ids(
    place_ids: Iterable[str],
    *,
    run_id: str,
    objects: ObjectStore,
    client: PlacesClient,
    ledger: CallLedger,
    settings: MigrationSettings,
    patience: Patience = PATIENT,
) -> FetchReport:
    """Ask for the ids alone, which costs nothing, at the shared rate and under the shared stop flag.

    Raises:
        PlacesStopped: the key or the request was refused.
    """
    choices = {"tier": str(Tier.ID_REFRESH), "photo_references_max": 0, "cache_max_age_days": float(OLDEST_ID.days)}
    return fetch_places(
        place_ids,
        run_id=run_id,
        cache=PlacesCache(objects, FOLDER),
        client=client,
        ledger=ledger,
        limiter=places_limit(ledger.control, settings),
        settings=MigrationSettings(**{**settings.model_dump(), **choices}),
        patience=patience,
    )
