"""A migrated table for tests of its verification: rows, RECEIPT rows and places as a run would have left them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.call_rows import Settled
from backfill_pipelines.receipts.inventory import take_inventory
from backfill_pipelines.receipts.ledger import Intent, RecordLedger, Settlement
from backfill_pipelines.receipts.manifest import count_files, new_run_id, publish, read_rows, write_rows
from backfill_pipelines.receipts.metadata import Metadata, read_metadata
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import Outcome, Reason
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines.receipts.places_cache import Entry as CacheEntry
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.plans import Plan, make_plan, save_plan
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.receipts.provenance import Mark, content_digest
from backfill_pipelines.receipts.verification import Stores, load_audit
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines_tests.receipts.builders import AT, RUN, answer
from backfill_pipelines_tests.receipts.migration_world import ESTIMATE
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, receipt_of, row_of

RECORDS = 64
#: Records that share a shop; one call serves them.
SHOPS = 6
BAD = 7
WHEN = datetime(2026, 1, 5, 11, 0, tzinfo=UTC)


def shop(number: int) -> dict[str, Any]:
    """What the number-th metadata row says of its shop."""
    which = number % SHOPS if number != BAD else 99
    return {
        "place_id": f"ChIJ_shop_{which:05}",
        "merchant_name": f"Shop {which}",
        "address": f"{which + 1} Market St, Springfield, CA 90001, USA",
        "phone_number": f"(555) 010-00{which:02}",
        "timestamp": "2025-04-23T21:55:47+00:00",
    }


def shop_answer(row: Metadata) -> dict[str, Any]:
    """What the API says of that shop: the same."""
    which = int(row.place_id[-5:])
    return answer(
        id=row.place_id,
        displayName={"text": row.merchant_name},
        formattedAddress=row.address,
        location={"latitude": 34.0 + which / 10, "longitude": -118.0 - which / 10},
        internationalPhoneNumber=f"+1 555-010-00{which:02}",
    )


@dataclass
class Migrated:
    """The table, and everything that a run keeps about it."""

    place: ReceiptsPlace
    stores: Stores
    plan: Plan
    built: dict[int, Built] = field(default_factory=dict)

    @property
    def ledger(self) -> RecordLedger:
        return self.stores.ledger(self.plan)

    def audit(self, wave: int = 4) -> Any:
        return load_audit(self.stores, self.plan, wave, datetime(2026, 1, 6, 9, 0, tzinfo=UTC))


def migrate(place: ReceiptsPlace, control_file: Path, *, estimate: Any = ESTIMATE) -> Migrated:
    """Inventory, plan, calls, places and ledger of a migration; Google does not know one of the ids."""
    place.load(item for n in range(RECORDS) for item in (row_of(n * 4, **shop(n)), receipt_of(n * 4)))
    control = ControlStore(url=f"sqlite:///{control_file}")
    settings = MigrationSettings()
    inventory = take_inventory(place.store, place.name, now=WHEN)
    manifest = write_rows(place.objects, new_run_id(place.objects, WHEN), inventory)
    assert count_files(place.objects, manifest).eligible == RECORDS
    publish(place.objects, manifest, [])
    plan = make_plan(
        place.objects, manifest, read_rows(place.objects, manifest), settings, "arn:table", estimate, now=WHEN
    )
    save_plan(place.objects, plan)
    migrated = Migrated(place, Stores(place.store, place.objects, control, settings), plan)
    rows = [
        row for row in (read_metadata(row_of(n * 4, **shop(n))) for n in range(RECORDS)) if isinstance(row, Metadata)
    ]
    _call(migrated, rows)
    _write(migrated, rows)
    return migrated


def _call(migrated: Migrated, rows: Iterable[Metadata]) -> None:
    control, ids = migrated.stores.control, dict.fromkeys(row.place_id for row in rows)
    ledger, cache = CallLedger.of(control, migrated.stores.settings), PlacesCache(migrated.stores.objects)
    bad = shop(BAD)["place_id"]
    with control.transaction() as connection:
        calls = ledger.book(connection, RUN, "session", [(i, Tier.FULL) for i in ids]).calls
        ended = [Settled(call, 400 if call.place_id == bad else 200) for call in calls]
        ledger.book(connection, RUN, "session", ended=ended)
    for place_id in ids:
        status = str(Reason.MALFORMED_ID) if place_id == bad else "ok"
        cache.write(
            CacheEntry(
                place_id, status, AT, "full", field_mask(Tier.FULL), 400 if place_id == bad else 200, place_id, "d"
            )
        )


def _write(migrated: Migrated, rows: Iterable[Metadata]) -> None:
    ledger = migrated.ledger
    ledger.run_of("origin", RUN)
    made = {n: build(row, shop_answer(row), Mark(RUN, AT, row.source_digest)) for n, row in enumerate(rows)}
    for number, one in made.items():
        assert isinstance(one, Built)
        if number != BAD:
            migrated.built[number] = one
    places = list(migrated.built.values())
    migrated.place.load(one.item for one in places)
    ledger.intend(RUN, [Intent(b.place.key, b.place.place_id, "create", content_digest(b.item)) for b in places], AT)
    settled = [
        Settlement(b.place.key, b.place.place_id, Outcome.CREATED, size=b.size, write_units=18.0) for b in places
    ]
    bad = next(row for n, row in enumerate(rows) if n == BAD)
    settled.append(
        Settlement(bad.key, bad.place_id, Outcome.QUARANTINED, str(Reason.MALFORMED_ID), "400 INVALID_ARGUMENT")
    )
    ledger.settle(RUN, settled, AT)


def changed(audit: Any, **changes: Any) -> Any:
    """The audit of a table that differs from the good one."""
    return replace(audit, **changes)
