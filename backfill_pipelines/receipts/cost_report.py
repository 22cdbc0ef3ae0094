"""What the migration has cost and changed: the table before and after, calls, money, time.

receipts/cost/{table}/{moment}.json   snapshots; the newest from before the first run is "before"

A snapshot is a scan of everything, by the size rule, since DescribeTable is up to six hours old. Prices and units are
as metered by the ledgers; what the gate makes of them is in ``projection``.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from backfill_pipelines.receipts import place as target
from backfill_pipelines.receipts.capacity import STORAGE_OVERHEAD_BYTES
from backfill_pipelines.receipts.daily_quota import DailyQuota
from backfill_pipelines.receipts.id_refresh import IdAges
from backfill_pipelines.receipts.inventory import kind_of
from backfill_pipelines.receipts.items import canonical_json, item_size
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.ledger_gates import Attempt
from backfill_pipelines.receipts.places_cache import Entry as CacheEntry
from backfill_pipelines.receipts.prices import cost_of_write_units
from backfill_pipelines.receipts.query_gates import percentile
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.items import Item, ItemStore
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.table_metrics import Usage

FOLDER = "receipts/cost"
NOT_MEASURED = "not measured"


@dataclass(frozen=True)
class Snapshot:
    """A table at one moment."""

    taken_at: str
    items: int
    #: Billed bytes of the table and of each index, by the size rule.
    stored: Mapping[str, int]
    places: int
    with_coordinates: int
    with_geohash: int
    #: As DescribeTable has it.
    described_items: int
    described_bytes: int
    #: p99 of single-page queries, by index.
    p99_ms: Mapping[str, float]


@dataclass(frozen=True)
class Row:
    """One line of the report."""

    metric: str
    before: str
    after: str
    source: str


def take_snapshot(
    items: ItemStore, state: TableState, p99_ms: Mapping[str, float], now: datetime | None = None
) -> Snapshot:
    """Scan everything and add up.

    Raises:
        ItemStoreError: the scan is not complete.
    """
    stored: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for page in items.scan():
        for item in page.items:
            counts["items"] += 1
            size = item_size(item) + STORAGE_OVERHEAD_BYTES
            stored.update(dict.fromkeys(_copies(item, state), size))
            if kind_of(item) == target.TYPE:
                counts.update(["places"])
                counts["with_coordinates"] += "N" in item.get("latitude", {}) and "N" in item.get("longitude", {})
                counts["with_geohash"] += bool(item.get("geohash", {}).get("S"))
    return Snapshot(
        taken_at=(now or datetime.now(UTC)).isoformat(),
        items=counts["items"],
        stored=dict(sorted(stored.items())),
        places=counts["places"],
        with_coordinates=counts["with_coordinates"],
        with_geohash=counts["with_geohash"],
        described_items=state.items,
        described_bytes=state.size_bytes,
        p99_ms=dict(p99_ms),
    )


def save_snapshot(objects: ObjectStore, table: str, snapshot: Snapshot) -> None:
    """Keep a snapshot."""
    moment = datetime.fromisoformat(snapshot.taken_at)
    objects.create(f"{FOLDER}/{table}/{moment:%Y%m%dT%H%M%S%fZ}.json", canonical_json(asdict(snapshot)).encode())


def snapshot_before(objects: ObjectStore, table: str, begun: str) -> Snapshot | None:
    """The newest snapshot from before a time; the newest of all when nothing has begun."""
    keys = [info.key for info in objects.find([f"{FOLDER}/{table}"])]
    found = [Snapshot(**json.loads(content)) for _, content in objects.read(keys)]
    limit = datetime.fromisoformat(begun) if begun else datetime.now(UTC)
    early = [one for one in found if datetime.fromisoformat(one.taken_at) <= limit]
    return max(early, key=lambda one: one.taken_at, default=None)


def report(
    before: Snapshot | None,
    after: Snapshot,
    attempts: Sequence[Attempt],
    entries: Iterable[Entry],
    cached: Mapping[str, CacheEntry],
    free_calls: int | None,
    *,
    ids: IdAges,
    sku: str,
    today: DailyQuota,
    now: datetime,
    usage: tuple[Usage, Usage] | None = None,
) -> list[Row]:
    """The lines of the report.

    Args:
        before: The table before the first run; None when nobody looked then.
        after: The table now.
        attempts: HTTP attempts of the plan's runs.
        entries: The record ledger.
        cached: Cached answers of the plan's place ids.
        free_calls: Free calls of a month; None is without end.
        ids: The plan's place ids by what is known of their age.
        sku: What a call is billed as.
        today: What is left of the day's calls.
        now: The present.
        usage: The table by CloudWatch before and during the runs; None where nothing measures it.
    """
    written = list(entries)
    place_ids = {entry.place_id for entry in written}
    called = {attempt.place_id for attempt in attempts}
    counted = sum(attempt.is_counted for attempt in attempts)
    usd = sum((attempt.usd for attempt in attempts if attempt.is_counted), Decimal(0))
    units = sum(Decimal(str(entry.write_units)) for entry in written)
    free = "any number" if free_calls is None else f"{min(counted, free_calls):,} of {free_calls:,}"
    return [
        _baseline(usage),
        Row("our write units a minute (p50, p99)", "0, 0", _minutes(written), "record ledger"),
        *_table_rows(before, after),
        Row(f"calls, {sku}", "0", f"{counted:,} billable of {len(attempts):,} attempts", "call ledger"),
        Row("spend on calls", "$0", f"${usd}", "call ledger"),
        Row("free calls used", "0", free, "call ledger"),
        Row("calls left of the day", "-", today.text, "call ledger"),
        Row("cache hit rate", "-", _share(len(place_ids - called), len(place_ids)), "call and record ledger"),
        Row("write units", "0", f"{units:,.0f}, ${cost_of_write_units(int(units))}", "as metered, record ledger"),
        Row("content age (median, oldest)", "-", _ages(cached, now), "cache"),
        Row("place ids, by the free call", "-", ids.text, "cache"),
    ]


def _table_rows(before: Snapshot | None, after: Snapshot) -> list[Row]:
    def pair(metric: str, source: str, shown: Any) -> Row:
        return Row(metric, _none(before and shown(before)), shown(after), source)

    names = sorted({*after.stored, *(before.stored if before else ())})
    indexes = sorted(after.p99_ms)
    return [
        pair("items", "scan", lambda one: f"{one.items:,}"),
        pair("items, as DescribeTable has them", "up to 6 h old", lambda one: f"{one.described_items:,}"),
        *(pair(f"bytes, {name}", "scan, size rule", lambda one, n=name: f"{one.stored.get(n, 0):,}") for name in names),
        pair("bytes, as DescribeTable has them", "up to 6 h old", lambda one: f"{one.described_bytes:,}"),
        *(pair(f"query p99, {i}", "gsi_latency", lambda one, n=i: f"{one.p99_ms.get(n, 0):.1f} ms") for i in indexes),
        pair("places", "scan", lambda one: f"{one.places:,}"),
        pair("places with coordinates", "scan", lambda one: _share(one.with_coordinates, one.places)),
        pair("places with geohash", "scan", lambda one: _share(one.with_geohash, one.places)),
    ]


def _copies(item: Item, state: TableState) -> list[str]:
    """The table, and the indexes that hold an item: those whose keys it has."""
    held = [name for name, index in state.indexes.items() if all(key in item for key in index.keys.attributes)]
    return ["table", *held]


def _baseline(usage: tuple[Usage, Usage] | None) -> Row:
    metric = "write units a minute of all writers (p50, p99)"
    if usage is None:
        return Row(metric, NOT_MEASURED, NOT_MEASURED, "CloudWatch; nothing measures an embedded table")
    before, during = (_two_percentiles(one.write_units) for one in usage)
    return Row(metric, before, during, "CloudWatch")


def _minutes(entries: Sequence[Entry]) -> str:
    """Units in each minute in which something was written."""
    minutes: defaultdict[str, float] = defaultdict(float)
    for entry in entries:
        if entry.is_written:
            minutes[entry.at[: len("2026-01-05T12:00")]] += entry.write_units
    return _two_percentiles(list(minutes.values()))


def _two_percentiles(found: Sequence[float]) -> str:
    return f"{percentile(found, 0.5):,.0f}, {percentile(found, 0.99):,.0f}" if found else "nothing written"


def _ages(cached: Mapping[str, CacheEntry], now: datetime) -> str:
    days = [entry.age(now).total_seconds() / 86_400 for entry in cached.values()]
    return f"{percentile(days, 0.5):.1f} days, {max(days):.1f} days" if days else "nothing cached"


def _share(part: int, whole: int) -> str:
    return f"{part:,} of {whole:,} ({part / whole:.1%})" if whole else "0 of 0"


def _none(shown: Any) -> str:
    return NOT_MEASURED if shown is None else str(shown)
