"""A table into which a run has written places: items, ledger, before-images, a cached answer, a plan. Calls no API."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.receipts.assets import write_inventory
from backfill_pipelines.receipts.before_images import save_before_image
from backfill_pipelines.receipts.inventory import take_inventory
from backfill_pipelines.receipts.items import Item, digest_of, item_digest
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Intent, RecordLedger, Settlement
from backfill_pipelines.receipts.manifest import read_rows
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines.receipts.places_cache import OK, Entry, PlacesCache
from backfill_pipelines.receipts.plans import Estimate, Plan, latest_plan, make_plan, save_plan
from backfill_pipelines.receipts.prices import Tier, field_mask
from backfill_pipelines.receipts.provenance import Mark, content_digest
from backfill_pipelines.receipts.rollback_run import PLACES, Report, Request, RollbackWork
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.items import Page
from backfill_pipelines_tests.receipts.builders import AT, PLACE_ID, RUN, answer, metadata, place_item
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image, receipt_of, row_of

ESTIMATE = Estimate(0, 0, 0, 0, "enterprise", 0, "0", 0, "0", 0.0, "2026-01-01")


def key_of(number: int) -> RecordKey:
    """The record of the number-th image."""
    return RecordKey.of(image(number), 1)


def place_of(number: int, run_id: str = RUN) -> Built:
    """The place that a run builds for the number-th image."""
    row = metadata(PK=f"IMAGE#{image(number)}")
    found = build(row, answer(), Mark(run_id, AT, row.source_digest))
    assert isinstance(found, Built)
    return found


def stub_of(number: int) -> dict[str, Any]:
    """A stub that another writer left: an identity and nothing else, a set where we write a list."""
    key = table_key(image(number), 1)
    return {
        **key,
        "TYPE": {"S": "RECEIPT_PLACE"},
        "image_id": {"S": image(number)},
        "receipt_id": {"N": "1"},
        "place_id": {"S": PLACE_ID},
        "merchant_name": {"S": "green grocer"},
        "validation_status": {"S": ""},
        "confidence": {"N": "0"},
        "matched_fields": {"SS": ["name", "phone"]},
        "timestamp": {"S": AT},
        "written_by": {"S": "somebody"},
    }


def live_place_of(number: int) -> dict[str, Any]:
    """A place that the application has written itself."""
    return place_item(**{**place_of(number).item, "reasoning": {"S": "Written by the application."}})


@dataclass
class WrittenRun:
    """The table of a test, its stores, and the run ``RUN``."""

    place: ReceiptsPlace
    instance: dg.DagsterInstance
    settings: MigrationSettings = field(default_factory=MigrationSettings)

    def __post_init__(self) -> None:
        self.control = ControlStore(url=f"sqlite:///{self.place.folder.parent}/control.db")
        self.store = self.place.store

    @property
    def resources(self) -> Any:
        return SimpleNamespace(
            items=self.place.items, objects=self.place.objects, control=self.control, migration=self.settings
        )

    def prepare(self, numbers: Iterable[int]) -> Plan:
        """Metadata and receipts, an inventory, a plan of it, and the answer in the cache."""
        self.place.load([item for n in numbers for item in (row_of(n), receipt_of(n))])
        return self.plan_anew()

    def plan_anew(self) -> Plan:
        """A new inventory, and the plan that is made from it."""
        inventory = take_inventory(self.store, self.place.name, now=datetime.now(UTC))
        manifest, verdicts = write_inventory(self.place.objects, inventory)
        assert all(verdict.passed for verdict in verdicts)
        arn = self.place.items.as_table().describe().arn
        before = latest_plan(self.place.objects, self.place.name)
        rows = read_rows(self.place.objects, manifest)
        released = len(before.waves) if before else 0
        plan = make_plan(self.place.objects, manifest, rows, self.settings, arn, ESTIMATE, released=released)
        save_plan(self.place.objects, plan)
        body = answer()
        mask = field_mask(Tier.FULL, with_photos=False)
        now = datetime.now(UTC).isoformat()
        entry = Entry(PLACE_ID, OK, now, "full", mask, 200, PLACE_ID, digest_of(body), body=body)
        PlacesCache(self.place.objects).write(entry)
        self.ledger = RecordLedger(self.control, plan.plan_id)
        return plan

    def write(self, created: Iterable[int], enriched: Iterable[int] = (), run_id: str = RUN) -> None:
        """Write places as the protocol does: intents, items, outcomes."""
        self.ledger.run_of(f"origin of {run_id}", run_id)
        work = [(n, "create") for n in created] + [(n, "enrich") for n in enriched]
        self.ledger.intend(run_id, [self.intent(n, kind, run_id) for n, kind in work])
        self.store.batch_write([place_of(n, run_id).item for n, _ in work])
        outcomes = {"create": Outcome.CREATED, "enrich": Outcome.ENRICHED}
        self.ledger.settle(run_id, [Settlement(key_of(n), PLACE_ID, outcomes[kind]) for n, kind in work])

    def intent(self, number: int, kind: str = "create", run_id: str = RUN) -> Intent:
        before = ""
        if kind == "enrich":
            objects, plan_id = self.place.objects, self.ledger.plan_id
            before = save_before_image(objects, plan_id, run_id, key_of(number), self.item(number) or {})
        return Intent(key_of(number), PLACE_ID, kind, content_digest(place_of(number, run_id).item), before)

    def put(self, number: int, **changes: Any) -> None:
        """Somebody changes attributes of an item."""
        self.store.put({**(self.item(number) or {}), **changes})

    def item(self, number: int) -> Item | None:
        return self.store.get(table_key(image(number), 1))

    def delete(self, number: int) -> None:
        self.store.delete(table_key(image(number), 1))

    def work(self, **options: Any) -> RollbackWork:
        values: dict[str, Any] = {"run_id": RUN, "asked_by": "a test", **options}
        return RollbackWork(self.resources, Request(**values))

    def roll_back(self, accept: int | None = None, **options: Any) -> Report:
        """Apply a rollback, by default with the number that its preview says."""
        number = accept if accept is not None else self.work(**options).preview().events_to_come
        return self.work(apply=True, accept_stream_events=number, **options).apply(self.instance, self.dagster_run())

    def dagster_run(self) -> dg.DagsterRun:
        """A run of Dagster, in whose name something is done."""
        made = dg.DagsterRun(job_name="receipts_rollback", status=dg.DagsterRunStatus.STARTED)
        return self.instance.add_run(made)

    @property
    def content(self) -> Mapping[tuple[str, str], str]:
        """The digest of every item of the table, by its keys."""
        pages: Iterable[Page] = self.store.scan()
        return {(i["PK"]["S"], i["SK"]["S"]): item_digest(i) for page in pages for i in page.items}

    def verdicts(self) -> Mapping[str, bool]:
        """What Dagster last heard of each bucket."""
        check = dg.AssetCheckKey(PLACES, READ_BACK_GATE)
        return latest_verdicts(self.instance, [check])[check]
