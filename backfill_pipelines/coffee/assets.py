"""The assets of the recovery: bodies found, bodies derived, and what is published of them in one transaction.

Their work is the targets'; here is what Dagster shows of them.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gated_assets import gated_asset
from backfill_pipelines.backfill.gated_spec import Companion, GatedSpec
from backfill_pipelines.coffee import search_target
from backfill_pipelines.coffee.columns import columns_of
from backfill_pipelines.coffee.derive_target import open_derive_target
from backfill_pipelines.coffee.expected_set import parse_partition
from backfill_pipelines.coffee.names import (
    COFFEES,
    GROUP,
    OWNER,
    PRICES,
    PRODUCT_ARTIFACTS,
    SCRAPE_ARTIFACTS,
    VARIANTS,
    roaster_days,
)
from backfill_pipelines.coffee.partition_gates import PRICE_GATES, PRODUCT_GATES, VARIANT_GATES
from backfill_pipelines.coffee.publish_target import open_publish_target
from backfill_pipelines.coffee.recovery import RESOURCES, CoffeeConfig, ProductionCoffeeConfig
from backfill_pipelines.coffee.search_target import open_search_target

#: One writer at a time: a chunk is one transaction, and writers of one roaster would only wait for each other.
WRITER_POOL = "coffee_writer"
#: Partitions of a run. Neighbours differ, so that Dagster never puts parent and child into one run.
_SEARCHED, _DERIVED, _PUBLISHED = 30, 29, 31

_SEARCH_TEXT = """The bodies that a shop's feed gave on a day: known, found in the store, or fetched while it is open.

One partition is a roaster's UTC day. A live answer is stamped with its own time, never with a past day; a past day that
was searched for in vain is unrecoverable, with the evidence kept."""
_DERIVE_TEXT = """What the bodies of a day say: products and variants, classified, normalised, validated.

A pure function of the bodies and the rules. It is kept in the staging until it is published."""
_COFFEES_TEXT = """One row a coffee of a source: its newest known state, a fold over all published observations.

Published together with its variants and prices in one transaction. Loading the same captures again, or in another
order, changes nothing."""
_VARIANTS_TEXT = """One row a variant of a coffee: its newest known state and price, a fold over all observations."""
_PRICES_TEXT = """One row for each priced variant of each capture. Rows are never altered or deleted; corrections are
rows of their own."""


def build_coffee_assets(*, is_production: bool = False) -> list[dg.AssetsDefinition]:
    """The assets, in order; on a production database their runs publish nothing unless `apply` says so."""
    config = ProductionCoffeeConfig if is_production else CoffeeConfig
    partitions = roaster_days()

    def built(spec: GatedSpec, per_run: int, open_target: Any) -> dg.AssetsDefinition:
        return gated_asset(
            spec,
            partitions_def=partitions,
            partitions_per_run=per_run,
            open_target=open_target,
            required_resource_keys=set(RESOURCES),
            config_type=config,
        )

    return [
        built(_search_spec(), _SEARCHED, open_search_target),
        built(_derive_spec(), _DERIVED, open_derive_target),
        built(_publish_spec(), _PUBLISHED, open_publish_target),
    ]


def _search_spec() -> GatedSpec:
    return GatedSpec(
        key=SCRAPE_ARTIFACTS,
        description=_SEARCH_TEXT,
        group=GROUP,
        gates=search_target.GATES,
        repair=_repair,
        kinds=frozenset({"python", "postgres"}),
        owners=[OWNER],
        metadata=columns_of("scrape_artifacts"),
    )


def _derive_spec() -> GatedSpec:
    return GatedSpec(
        key=PRODUCT_ARTIFACTS,
        description=_DERIVE_TEXT,
        group=GROUP,
        gates=PRODUCT_GATES,
        upstreams=[Upstream(SCRAPE_ARTIFACTS)],
        repair=_repair,
        kinds=frozenset({"python"}),
        owners=[OWNER],
        metadata=columns_of("product_artifacts"),
    )


def _publish_spec() -> GatedSpec:
    postgres = frozenset({"postgres", "sql"})
    return GatedSpec(
        key=COFFEES,
        description=_COFFEES_TEXT,
        group=GROUP,
        gates=(),
        upstreams=[Upstream(PRODUCT_ARTIFACTS)],
        repair=_repair,
        kinds=postgres,
        owners=[OWNER],
        pool=WRITER_POOL,
        metadata=columns_of("coffees"),
        companions=[
            Companion(VARIANTS, _VARIANTS_TEXT, VARIANT_GATES, postgres, columns_of("variants")),
            Companion(PRICES, _PRICES_TEXT, PRICE_GATES, postgres, columns_of("prices")),
        ],
    )


def _repair(partitions: Sequence[str]) -> str:
    """The command that plans the days of the partitions again, red as they are."""
    parsed = [parse_partition(key) for key in partitions]
    roasters = " ".join(f"--roaster {slug}" for slug in sorted({slug for _, slug in parsed}))
    days = sorted(day for day, _ in parsed)
    return f"backfill coffee plan incremental --from {days[0]} --to {days[-1]} {roasters} --retry-red"
