"""Fetching many places: from the cache, or by calls within the rate, the budget and what other processes fetch.

Answers are in the cache before their rows are settled, so whoever is killed at any point leaves nothing to be called
twice but the attempts under way. How a fetch proceeds is in ``fetch_loop``, what it came to in ``fetch_report``.
"""

import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from backfill_pipelines.receipts import place_claims
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.fetch_loop import FetchLoop, OnProgress
from backfill_pipelines.receipts.fetch_report import FetchReport
from backfill_pipelines.receipts.key_proof import require_no_stop
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.patience import PATIENT, Patience
from backfill_pipelines.receipts.place_attempts import Asker
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.leases import Leases
from backfill_pipelines.stores.places import PlacesClient
from backfill_pipelines.stores.rate_limits import RateLimit

__all__ = ["OnProgress", "Patience", "fetch_places", "places_limit"]


def places_limit(control: ControlStore, settings: MigrationSettings) -> RateLimit:
    """The rate of Place Details, of all processes of the deployment."""
    return RateLimit(control, "places GetPlace", settings.queries_per_minute)


def fetch_places(
    ids: Iterable[str],
    *,
    run_id: str,
    cache: PlacesCache,
    client: PlacesClient,
    ledger: CallLedger,
    limiter: RateLimit,
    settings: MigrationSettings,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    patience: Patience = PATIENT,
    ask_again: frozenset[Reason] = frozenset(),
) -> FetchReport:
    """Have an answer for each id in the cache, as far as rate, budget and service allow.

    Args:
        ids: Place ids; each is fetched once.
        run_id: Whose calls these are: the cap of a run counts them.
        cache: Where answers are kept; what is fresh there is not asked for.
        client: Sends the requests.
        ledger: Budget, cap and stop flag; its control store also holds claims and leases.
        limiter: The shared rate, of the same control store.
        settings: Tier, concurrency, age of the cache, photos.
        on_progress: Told how far it is.
        should_stop: Asked between calls; calls under way are finished, the rest is not attempted.
        patience: Waiting times.
        ask_again: Negative answers in the cache that do not hold any more, by reason.

    Raises:
        PlacesStopped: the key or the request was refused, here or in another process; no id is settled by that.
        StoreError: a store fails.
    """
    wanted = list(dict.fromkeys(ids))
    asker = Asker(client, cache, settings.wanted_tier, with_photos=settings.photo_references_max > 0)
    session = f"places fetch {uuid.uuid4().hex}"
    ledger.control.ensure(place_claims.TABLES)
    holding = Leases(ledger.control).held(session, run_id, "fetching places")
    with holding as lease, ThreadPoolExecutor(settings.places_concurrency, "places") as pool:
        require_no_stop(run_id, client, ledger, wanted)
        fetch = FetchLoop(run_id, lease, ledger, limiter, settings, asker, pool, patience, ask_again, wanted)
        try:
            return fetch.run(on_progress or (lambda _done, _all: None), should_stop)
        finally:
            fetch.leave()
