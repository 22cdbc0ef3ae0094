"""Where a search looks beyond database and store: files of the old scraper, and shops whose window is open."""

from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from backfill_pipelines.coffee.expected_set import RoasterDay, partition_key
from backfill_pipelines.coffee.fetching import Fetcher
from backfill_pipelines.coffee.import_manifest import Manifest, read_manifest
from backfill_pipelines.coffee.legacy_import import LegacyImport, files_in
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.pauses import PAUSED
from backfill_pipelines.coffee.recovery import Recovery
from backfill_pipelines.coffee.ticks import Tick
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.polite_shops import PoliteShops
from backfill_pipelines.stores.shop_http import ShopClient


def search_old_files(recovery: Recovery, partitions: Collection[str]) -> int:
    """Import what the old scraper's files have of some partitions; says how many became captures."""
    settings = recovery.settings
    if not settings.legacy_url or not partitions:
        return 0
    manifest = Manifest()
    if settings.manifest_file:
        manifest = read_manifest(Path(settings.manifest_file).read_bytes())
    work = LegacyImport(recovery.postgres, recovery.artifacts, manifest, application_name=recovery.application_name)
    files = files_in(ObjectStore(url=settings.legacy_url))
    found = work.run(files, lambda source, day: partition_key(day, source.roaster_slug) in partitions)
    return sum(one.outcome == "imported" for one in found)


def fetch_open_days(recovery: Recovery, wanted: Collection[RoasterDay]) -> dict[str, str]:
    """Fetch the sources of days of which a tick's window is open; what comes of it is in database and store.

    What a shop does wrong is an attempt that failed, and no error: the day stays missing until its window closes.

    Returns:
        Days whose shops were not asked to the end because of a pause, and what that says.
    """
    now = recovery.clock()
    open_ticks = [(day, tick) for day in wanted for tick in day.ticks if tick.holds(now)]
    if not open_ticks:
        return {}
    waiting = dict[str, str]()
    days = recovery.load_days([day.key for day in wanted])
    with closing(ShopClient(contact=recovery.settings.contact)) as client:
        shops = PoliteShops(client, recovery.resources.control)
        fetcher = Fetcher(
            recovery.postgres, recovery.artifacts, shops, clock=recovery.clock, paused=recovery.assets_paused
        )
        # One answer counts for every tick whose window it lies in.
        for roaster, tick in {day.roaster.id: tick for day, tick in open_ticks}.items():
            sources = [one for one in days.sources.values() if one.roaster_id == roaster]
            if paused := next((text for source in sources if (text := _fetch(recovery, fetcher, source, tick))), ""):
                waiting |= {day.key: paused for day, _ in open_ticks if day.roaster.id == roaster}
    return waiting


def _fetch(recovery: Recovery, fetcher: Fetcher, source: Source, tick: Tick) -> str:
    """Ask one shop; why it was not asked to the end, if a pause came between."""
    if paused := recovery.no_shop_now():
        recovery.log(f"{source.base_url} is not asked: {paused}")
        return paused
    result = fetcher.fetch_source(
        source,
        tick_window=tick,
        trigger="backfill",
        backfill_run_id=recovery.run.id if recovery.is_in_ledger else None,
    )
    said = f"{source.base_url}: {result.status}, {result.products} products"
    recovery.log(f"{said} {result.error_code} {result.error}".strip())
    return result.error if result.error_code == PAUSED else ""
