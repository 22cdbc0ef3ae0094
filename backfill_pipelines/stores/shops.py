"""The shops as a Dagster resource: one client and one set of paces for all threads of a process."""

import threading
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.host_pacing import Pace
from backfill_pipelines.stores.polite_shops import PoliteShops
from backfill_pipelines.stores.shop_http import ShopClient


class Shops(dg.ConfigurableResource):
    """Shop feeds, asked politely; nothing is opened before they are needed."""

    control_url: str = Field(description="SQLAlchemy URL of the control store, by which processes share their pace.")
    contact: str = Field(default="", description="URL or mail address by which a shop reaches who runs this.")
    delay_seconds: float = Field(
        default=0.5, gt=0, description="Between two requests to a host; its Crawl-delay where that is longer."
    )
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _opened: tuple[ShopClient, ControlStore, PoliteShops] | None = PrivateAttr(default=None)

    def polite(self) -> PoliteShops:
        """What asks them, one for all threads."""
        with self._lock:
            if self._opened is None:
                client, control = ShopClient(contact=self.contact), ControlStore(url=self.control_url)
                shops = PoliteShops(client, control, pace=Pace(delay_seconds=self.delay_seconds))
                self._opened = client, control, shops
            return self._opened[2]

    def close(self) -> None:
        """Close its connections; the next use opens them again."""
        with self._lock:
            if self._opened is not None:
                client, control, _ = self._opened
                client.close()
                control.close()
                self._opened = None

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
        """Leave no connection open behind a run."""
        self.close()
