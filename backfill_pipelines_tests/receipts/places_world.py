"""Everything that fetching places needs, real and small: a stand-in in a thread, a control store, a cache."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.fetch_report import FetchReport
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import EQUATIONS
from backfill_pipelines.receipts.place_fetching import Patience, fetch_places, places_limit
from backfill_pipelines.receipts.places_cache import Entry, PlacesCache
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.places import PlacesClient
from backfill_pipelines.stores.places_standin import ServedStandIn, standin_in_thread
from backfill_pipelines.stores.places_standin_state import Does, Fault, State

QUICK = Patience(transient_least=0.001, transient_most=0.002, refused_first=0.001, refused_most=0.002, look=0.02)


def ids(count: int, first: int = 0) -> list[str]:
    """Ids in the shape of Google's."""
    return [f"ChIJ{number:023d}" for number in range(first, first + count)]


@dataclass
class PlacesWorld:
    """One deployment: what its processes share is below ``folder`` and in the stand-in."""

    folder: Path
    served: ServedStandIn
    client: PlacesClient
    control: ControlStore
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> State:
        return self.served.state

    @property
    def cache(self) -> PlacesCache:
        """With nothing in memory, as another process would have it."""
        return PlacesCache(ObjectStore(url=str(self.folder / "objects"), is_own=True))

    @property
    def migration(self) -> MigrationSettings:
        return MigrationSettings(**{"queries_per_minute": 600_000, "budget_usd": "1000"} | self.settings)

    @property
    def ledger(self) -> CallLedger:
        return CallLedger.of(self.control, self.migration)

    def script(self, place_id: str, does: Does, value: str = "", times: int | None = None) -> None:
        self.state.script.by_id[place_id] = Fault(does, value, times)

    def fetch(self, wanted: Iterable[str], run_id: str = "rp-20260105-0001", **more: Any) -> FetchReport:
        report = fetch_places(
            wanted,
            run_id=run_id,
            cache=self.cache,
            client=self.client,
            ledger=self.ledger,
            limiter=places_limit(self.control, self.migration),
            settings=self.migration,
            **{"patience": QUICK, **more},
        )
        assert_reconciles(report)
        return report

    def entry(self, place_id: str) -> Entry | None:
        return self.cache.read([place_id]).get(place_id)

    @property
    def asked(self) -> list[str]:
        """The ids of all requests that reached the stand-in."""
        return [logged.place_id for logged in self.state.log]


def assert_reconciles(report: FetchReport) -> None:
    """The equations of ids and attempts hold."""
    counts = report.counts()
    checked = [equation for equation in EQUATIONS if equation.total in ("distinct_place_ids", "http_attempts")]
    assert len(checked) == 2
    for equation in checked:
        assert counts[equation.total] == sum(counts[name] for name in equation.plus)


@contextmanager
def places_world(folder: Path) -> Iterator[PlacesWorld]:
    """A deployment for the block."""
    with standin_in_thread() as served:
        client = PlacesClient(served.url, "embedded")
        world = PlacesWorld(folder, served, client, ControlStore(url=f"sqlite:///{folder / 'control.db'}"))
        try:
            yield world
        finally:
            world.client.close()
            world.control.close()
