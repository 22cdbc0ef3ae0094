"""From stored bodies to observations that are ready to be staged: read, derived capture by capture, rendered.

The work of a partition before any table is touched. Where a range of partitions is judged and published is the
targets' business.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby

from backfill_pipelines.coffee.artifacts import Artifacts, Loaded
from backfill_pipelines.coffee.deriving import TRANSFORM_VERSION, derive_capture
from backfill_pipelines.coffee.evidence import Shops, load_shops
from backfill_pipelines.coffee.expected_set import parse_partition
from backfill_pipelines.coffee.model import Capture, Derived, Source
from backfill_pipelines.coffee.normaliser import NORMALIZER_VERSION
from backfill_pipelines.coffee.plans import Inputs, input_digest, load_inputs
from backfill_pipelines.coffee.registry import sources as registered
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.staging import StagedBody, Versions
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, read_rows

PACKAGE = "backfill_pipelines.coffee"
#: The rules in force.
VERSIONS = Versions(TRANSFORM_VERSION, NORMALIZER_VERSION)


@dataclass(frozen=True)
class Day:
    """One partition as the database has it: its captures, and a digest of what its result is a function of."""

    key: str
    roaster_id: uuid.UUID
    day: date
    captures: Sequence[Capture] = ()
    inputs: Inputs = field(default_factory=Inputs)
    input_digest: str = ""


@dataclass(frozen=True)
class Days:
    """Some partitions, and the shops and sources that they belong to."""

    shops: Shops
    sources: Mapping[uuid.UUID, Source]
    by_key: Mapping[str, Day]

    @property
    def empty(self) -> frozenset[str]:
        """Partitions without a capture."""
        return frozenset(key for key, day in self.by_key.items() if not day.captures)

    @property
    def pairs(self) -> list[tuple[uuid.UUID, date]]:
        """Roaster and day of each partition."""
        return [(day.roaster_id, day.day) for day in self.by_key.values()]


def load_days(connection: Connection, partitions: Sequence[str], scope: Scope | None = None) -> Days:
    """The partitions with what is stored for them; a scope may restrict their sources.

    Raises:
        SettingsError: a partition is of a roaster that there is none of.
    """
    named = {key: parse_partition(key) for key in partitions}
    shops = load_shops(connection, sorted({slug for _, slug in named.values()}))
    ids = {roaster.slug: roaster.id for roaster in shops.roasters}
    wanted = scope.sources if scope is not None else ()
    sources = {one.id: one for one in registered(connection, list(ids)) if not wanted or one.base_url in wanted}
    days = [day for day, _ in named.values()]
    bounds = scope or Scope("incremental", min(days), max(days))
    inputs = load_inputs(connection, shops, replace(bounds, first=min(days), last=max(days)))
    captures = _captures(connection, [(ids[slug], day) for day, slug in named.values()])
    found = {}
    for key, (day, slug) in named.items():
        own = [one for one in captures.get((ids[slug], day), ()) if one.source_id in sources]
        seen = inputs[ids[slug], day]
        found[key] = Day(key, ids[slug], day, own, seen, input_digest(seen, VERSIONS))
    return Days(shops, sources, found)


def derive_days(
    artifacts: Artifacts, days: Iterable[Day], sources: Mapping[uuid.UUID, Source], products: Sequence[str] = ()
) -> Iterator[StagedBody]:
    """Everything that the captures of the days say; ``products`` restricts it to some product ids."""
    for day in days:
        loaded = list(artifacts.load_bodies(day.captures))
        for _, pages in groupby(loaded, key=lambda one: one.capture.capture_id):
            yield from _derive_pages(list(pages), sources, day.day, products)


def _derive_pages(
    pages: Sequence[Loaded], sources: Mapping[uuid.UUID, Source], day: date, products: Sequence[str]
) -> Iterator[StagedBody]:
    """The bodies of one capture; a 304 says nothing itself, the body that it confirms was said on its own day."""
    source = sources[pages[0].capture.source_id]
    if all(page.capture.completeness == "not_modified" for page in pages):
        said: Sequence[Derived] = [Derived((), (), "valid", (), 0, 0) for _ in pages]
    else:
        said = derive_capture([(page.capture, page.body) for page in pages], source)
    for page, derived in zip(pages, said, strict=True):
        only = _restricted(derived, products) if products else derived
        yield StagedBody(page.capture, source, only, hashlib.sha256(page.body).hexdigest(), day)


def _restricted(derived: Derived, products: Sequence[str]) -> Derived:
    """What a body says of some products; the counts are theirs, so that the account stays true."""
    wanted = set(products)
    chosen = [one for one in derived.products if one.platform_product_id in wanted]
    aside = [one for one in derived.rejected if one.platform_product_id in wanted]
    whole = [one for one in aside if not one.platform_variant_id]
    lost = len({(one.platform_product_id, one.platform_variant_id) for one in aside if one.platform_variant_id})
    # Of a product set aside for several reasons the first row counts its variants, the others say 0.
    gone = sum(int(one.detail.get("variants", 0)) for one in whole)
    return replace(
        derived,
        products=chosen,
        rejected=aside,
        captured_products=len(chosen) + len({one.platform_product_id for one in whole}),
        captured_variants=sum(len(one.variants) for one in chosen) + lost + gone,
    )


def _captures(
    connection: Connection, pairs: Sequence[tuple[uuid.UUID, date]]
) -> dict[tuple[uuid.UUID, date], list[Capture]]:
    values = {"roasters": [roaster for roaster, _ in pairs], "days": [day for _, day in pairs]}
    found: dict[tuple[uuid.UUID, date], list[Capture]] = {}
    for row in read_rows(connection, sql.load(PACKAGE, "modes/captures_of_days"), values):
        capture = Capture(**row)
        found.setdefault((capture.roaster_id, capture.day), []).append(capture)
    return found
