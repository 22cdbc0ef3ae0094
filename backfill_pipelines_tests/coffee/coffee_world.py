"""The recovery as it is deployed, on an embedded database: shops, stored bodies, range runs of the assets."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import orjson

from backfill_pipelines.coffee.artifact_meta import Answer
from backfill_pipelines.coffee.artifact_rows import record_captures
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.assets import build_coffee_assets
from backfill_pipelines.coffee.digests import state_digest, table_digest
from backfill_pipelines.coffee.expected_set import partition_key
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.model import Capture, Completeness, Source
from backfill_pipelines.coffee.names import ROASTERS
from backfill_pipelines.coffee.range_runs import RangeRun, run_range
from backfill_pipelines.coffee.recovery import CoffeeSettings
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres, read_rows

SUNDAY = datetime(2025, 9, 28, 4, tzinfo=UTC)
NOW = datetime(2025, 10, 10, tzinfo=UTC)
DIGESTED = (
    "coffees",
    "variants",
    "prices",
    "price_corrections",
    "product_artifacts",
    "variant_observations",
    "scrape_artifacts",
    "quarantine",
)


def shopify(price: str = "450.00", *, count: int = 3, title: str = "Attikan Estate") -> list[dict[str, Any]]:
    """Products as a Shopify feed has them: coffees with a weight and two grinds each."""
    return [
        {
            "id": 1000 + n,
            "title": f"{title} {n}",
            "handle": f"attikan-{n}",
            "body_html": "<p>A <b>medium</b> roast.</p>",
            "vendor": "Blue Tokai",
            "product_type": "Roasted Coffee",
            "tags": ["medium-roast"],
            "updated_at": "2025-09-28T04:00:00+05:30",
            "options": [{"name": "Size", "values": ["250g"]}, {"name": "Grind", "values": ["Whole Bean", "Espresso"]}],
            "variants": [
                {
                    "id": 10 * (1000 + n) + m,
                    "title": f"250g / {grind}",
                    "option1": "250g",
                    "option2": grind,
                    "price": price,
                    "compare_at_price": None,
                    "available": True,
                    "sku": f"AT-{n}-{m}",
                    "grams": 250,
                }
                for m, grind in enumerate(["Whole Bean", "Espresso"])
            ],
        }
        for n in range(count)
    ]


@dataclass
class CoffeeWorld:
    """One shop; ``runs`` holds every range run so far."""

    postgres: Postgres
    source: Source
    folder: Path
    instance: dg.DagsterInstance
    settings: CoffeeSettings = field(default_factory=CoffeeSettings)
    extra: dict[str, Any] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.objects = ObjectStore(url=str(self.folder / "artifacts"), is_own=True)
        self.artifacts = Artifacts(self.objects)
        self.control = ControlStore(url=f"sqlite:///{self.folder / 'control.db'}")
        self.assets = build_coffee_assets()
        self.instance.add_dynamic_partitions(str(ROASTERS.name), [self.source.roaster_slug])
        self.execute("UPDATE roasters SET active_from = '2025-09-01', active_to = '2025-10-05'")

    @property
    def resources(self) -> dict[str, Any]:
        return {
            "postgres": self.postgres,
            "artifacts": self.objects,
            "control": self.control,
            "coffee": self.settings,
            **self.extra,
        }

    def store(
        self,
        products: Sequence[dict[str, Any]],
        at: datetime = SUNDAY,
        completeness: Completeness = "complete",
        *,
        recorded: bool = True,
    ) -> Capture:
        """Store a page of a shop; ``recorded`` False leaves it unknown to the database."""
        body = orjson.dumps({"products": copy.deepcopy(list(products))})
        answer = Answer(f"{self.source.base_url}/products.json?limit=250&page=1", at, completeness=completeness)
        capture = self.artifacts.save_body(self.source, body, answer)
        if recorded:
            with self.postgres.connect("test") as connection:
                record_captures(connection, [capture])
        return capture

    def run(self, first: date, last: date, *, assets: Sequence[int] = (0, 1, 2), **config: Any) -> list[RangeRun]:
        """Range runs of the chain, one asset after the other."""
        keys = [partition_key(day, self.source.roaster_slug) for day in (first, last)]
        return [
            run_range(self.assets[n], keys, instance=self.instance, resources=self.resources, config=config, tags={})
            for n in assets
        ]

    def modes(self, **how: Any) -> ModeWorld:
        """What a job applies a plan with; messages are kept in ``told``."""
        return ModeWorld(
            self.postgres,
            self.objects,
            self.settings,
            self,
            self.instance,
            "test-run",
            self.resources,
            **{"clock": lambda: NOW, "require_backup": lambda *_: None, **how},
        )

    def send(self, title: str, text: str) -> None:
        self.told.append((title, text))

    def digest(self) -> str:
        """Digest of coffees, variants and prices."""
        with self.postgres.connect("test") as connection:
            return state_digest(connection)

    def digests(self) -> dict[str, str]:
        """Digest of each table that has one."""
        with self.postgres.connect("test") as connection:
            return {table: table_digest(connection, table) for table in DIGESTED}

    def rows(self, statement: str) -> list[dict[str, Any]]:
        with self.postgres.connect("test") as connection:
            return read_rows(connection, statement)

    def value(self, statement: str) -> Any:
        (row,) = self.rows(statement)
        return next(iter(row.values()))

    def execute(self, statement: str) -> None:
        with self.postgres.connect("test") as connection:
            connection.execute(statement.encode())

    def materialized(self, key: dg.AssetKey) -> list[str]:
        records = self.instance.fetch_materializations(key, limit=99).records
        return sorted({str(record.partition_key) for record in records})
