"""A migration on the embedded server with everything a run needs: inventory, plan, preflight, decisions, runs."""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from backfill_pipelines.receipts.assets import write_inventory
from backfill_pipelines.receipts.decision_records import Choice, Evidence
from backfill_pipelines.receipts.decisions import CANARY, canary_digest, decide, wave_digest
from backfill_pipelines.receipts.inventory import take_inventory
from backfill_pipelines.receipts.items import Item
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry, RecordLedger
from backfill_pipelines.receipts.migration_assets import CACHE, PLACES, build_migration_assets
from backfill_pipelines.receipts.migration_context import ORIGIN_TAG
from backfill_pipelines.receipts.migration_plan import plan_migration
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place_admission import PREFLIGHT
from backfill_pipelines.receipts.plans import Plan, latest_plan
from backfill_pipelines.receipts.provenance import content_digest
from backfill_pipelines.receipts.run_reports import RunReport, load_reports
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines_tests.receipts.builders import PLACE_ID, answer
from backfill_pipelines_tests.receipts.fake_places import FakePlaces
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


def preflight_of(table: str) -> dg.AssetsDefinition:
    """Stands for a green preflight of a table."""

    @dg.asset(key=PREFLIGHT)
    def preflight() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(metadata={"receipts/table": table})

    return preflight


@dataclass
class World:
    """One table, its stores, an API, a Dagster instance."""

    place: ReceiptsPlace
    control: ControlStore
    instance: dg.DagsterInstance
    places: FakePlaces = field(default_factory=lambda: FakePlaces({PLACE_ID: answer()}))
    choices: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> MigrationSettings:
        return MigrationSettings(queries_per_minute=100_000, **self.choices)

    @property
    def plan(self) -> Plan:
        found = latest_plan(self.place.objects, self.place.name)
        assert found is not None
        return found

    @property
    def ledger(self) -> RecordLedger:
        return RecordLedger(self.control, self.plan.plan_id)

    @property
    def resources(self) -> dict[str, Any]:
        return {
            "items": self.place.items,
            "objects": self.place.objects,
            "control": self.control,
            "places": self.places,
            "migration": self.settings,
        }

    def prepare(self, items: Iterable[Item] = (), *, requires_receipt: bool = True) -> Plan:
        """Load rows, take stock, plan, and let every wave begin."""
        self.place.load(items)
        inventory = take_inventory(self.place.store, self.place.name, requires_receipt=requires_receipt)
        manifest, verdicts = write_inventory(self.place.objects, inventory)
        assert all(verdict.passed for verdict in verdicts), verdicts
        arn = self.place.items.as_table().describe().arn
        plan = plan_migration(self.place.objects, self.control, manifest, self.settings, arn)
        dg.materialize([preflight_of(self.place.name)], instance=self.instance, run_config=QUIET)
        canary = Evidence(CANARY, canary_digest(plan), ())
        decide(self.place.objects, plan, canary, Choice.PROCEED, who="tester", reason="clean")
        self.release()
        return plan

    def release(self) -> None:
        """Decide every wave on the evidence of the moment."""
        for wave in self.plan.waves:
            digest = wave_digest(self.ledger.entries(buckets=wave.buckets).values(), wave)
            evidence = Evidence(str(wave.number), digest, ())
            decide(self.place.objects, self.plan, evidence, Choice.PROCEED, who="tester", reason="green")

    def run(
        self,
        first: str = "00",
        last: str = "03",
        *,
        key: dg.AssetKey = PLACES,
        origin: str = "",
        resources: Mapping[str, Any] | None = None,
        **config: Any,
    ) -> dg.ExecuteInProcessResult:
        """One Dagster run over a range of buckets; writes and fetches unless told otherwise."""
        (asset,) = [found for found in build_migration_assets() if found.key == key]
        chosen = {"apply": True} | ({} if key == CACHE else {"fetch": True}) | config
        return dg.materialize(
            [asset],
            instance=self.instance,
            resources={**self.resources, **(resources or {})},
            tags={
                ASSET_PARTITION_RANGE_START_TAG: first,
                ASSET_PARTITION_RANGE_END_TAG: last,
                ORIGIN_TAG: origin or f"test-{uuid.uuid4().hex[:8]}",
            },
            run_config={**QUIET, "ops": {asset.op.name: {"config": chosen}}},
            raise_on_error=False,
        )

    def reports(self, result: dg.ExecuteInProcessResult) -> list[RunReport]:
        return load_reports(self.place.objects, result.dagster_run.tags[ORIGIN_TAG])

    def report(self, result: dg.ExecuteInProcessResult) -> RunReport:
        (found,) = self.reports(result)
        return found

    def entries(self) -> dict[RecordKey, Entry]:
        return self.ledger.entries()

    def stored(self) -> dict[str, Item]:
        """The places in the table, by sort key within their image."""
        pages = self.place.store.scan()
        items = [item for page in pages for item in page.items if item["SK"]["S"].endswith("#PLACE")]
        return {f"{item['PK']['S']} {item['SK']['S']}": item for item in items}

    def digests(self) -> dict[str, str]:
        return {name: content_digest(item) for name, item in self.stored().items()}

    def materialized(self, key: dg.AssetKey = PLACES) -> list[str]:
        records = self.instance.fetch_materializations(key, limit=2000).records
        return sorted({str(record.partition_key) for record in records})


@contextmanager
def world(
    endpoint: str, state: Path, folder: Path, places: FakePlaces | None = None, **choices: Any
) -> Iterator[World]:
    """A world of its own; ``choices`` are settings of the migration."""
    control = ControlStore(url=f"sqlite:///{folder / 'control.db'}")
    with dg.DagsterInstance.ephemeral() as instance:
        try:
            made = World(ReceiptsPlace(endpoint, state, folder / "objects"), control, instance, choices=choices)
            made.places = places or made.places
            yield made
        finally:
            control.close()


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The description of the failure that ended a run."""
    events = [event for event in result.all_events if event.is_step_failure]
    data = events[-1].step_failure_data
    if data.user_failure_data is not None:
        return str(data.user_failure_data.description)
    assert data.error is not None
    return data.error.to_string()


def outcomes(entries: Iterable[Entry]) -> dict[str, int]:
    """Records by outcome and reason."""
    found: dict[str, int] = {}
    for entry in entries:
        name = f"{entry.outcome}" + (f" {entry.reason}" if entry.reason else "")
        found[name] = found.get(name, 0) + 1
    return found


def names(keys: Sequence[RecordKey]) -> list[str]:
    return [key.name for key in keys]
