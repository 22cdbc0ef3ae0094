"""What every asset of the migration works with: the stores, the choices, the plan in force, and the run it is part of.

Loaded anew by each Dagster run; nothing of it is kept between two.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.storage.tags import BACKFILL_ID_TAG

from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.daily_quota import daily_quota
from backfill_pipelines.receipts.fetch_report import FetchReport, PlacesStopped
from backfill_pipelines.receipts.known_answers import KnownAnswers
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.manifest import Manifest, ManifestMissing, Row, current_manifest, new_run_id, read_rows
from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.place_fetching import fetch_places, places_limit
from backfill_pipelines.receipts.place_reading import Existing
from backfill_pipelines.receipts.places_cache import PlacesCache
from backfill_pipelines.receipts.plans import Plan, PlanRefused, current_plan, dry_run_id
from backfill_pipelines.receipts.run_reports import RunReport, save_report
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.dynamodb_tables import TableState
from backfill_pipelines.stores.leases import Holder, Lease, LeaseLost, Leases, LeaseTaken
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.places import Places

#: Resources that the assets of the migration need.
RESOURCES = frozenset({"items", "objects", "control", "places", "migration"})
#: What started a run, where that is neither a Dagster backfill nor the run itself: one call of the command line.
ORIGIN_TAG = "receipts/origin"


@dataclass(frozen=True)
class Migration:
    """The migration of one table, as it stands."""

    items: DynamoItemStore
    state: TableState
    table: str
    objects: ObjectStore
    control: ControlStore
    places: Places
    settings: MigrationSettings
    manifest: Manifest
    plan: Plan
    ledger: RecordLedger
    cache: PlacesCache
    #: The table is on the embedded server, which has neither partitions nor capacity.
    is_table_embedded: bool

    def rows(self, buckets: Collection[str] | None = None) -> list[Row]:
        """The manifest's rows, of some buckets or all."""
        return read_rows(self.objects, self.manifest, buckets)

    def call_ledger(self) -> CallLedger:
        """Budget and cap of the calls."""
        return CallLedger.of(self.control, self.settings)

    def quota_left(self) -> str:
        """What is left of the day's calls, in words."""
        return daily_quota(self.call_ledger(), self.settings).text

    def answers(self, run_id: str, *, may_fetch: bool) -> KnownAnswers:
        """Answers for a run; with ``may_fetch`` from the API as well, in the name of that run."""

        def fetch(place_ids: Sequence[str]) -> FetchReport:
            return fetch_places(
                place_ids,
                run_id=run_id,
                cache=self.cache,
                client=self.places.client(),
                ledger=self.call_ledger(),
                limiter=places_limit(self.control, self.settings),
                settings=self.settings,
            )

        return KnownAnswers(self.cache, self.settings, fetch if may_fetch else None)


def load_migration(resources: Any) -> Migration:
    """The migration of the resources' table, with the manifest and plan that may be worked from.

    Raises:
        ManifestMissing: there is no manifest, or it is stale.
        PlanRefused: there is no plan, or it was made from another state.
    """
    items: DynamoDB = resources.items
    objects: ObjectStore = resources.objects
    settings: MigrationSettings = resources.migration
    table = items.named()
    state = items.as_table().describe()
    manifest = current_manifest(objects, table)
    plan = current_plan(objects, manifest, settings, state.arn)
    return Migration(
        items=items.store(),
        state=state,
        table=table,
        objects=objects,
        control=resources.control,
        places=resources.places,
        settings=settings,
        manifest=manifest,
        plan=plan,
        ledger=RecordLedger(resources.control, plan.plan_id),
        cache=PlacesCache(objects),
        is_table_embedded=items.embedded is not None,
    )


def load_or_refuse(resources: Any) -> Migration:
    """The same for a run: without a plan that holds it ends, and is not tried again."""
    try:
        return load_migration(resources)
    except (ManifestMissing, PlanRefused) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from error


def origin_of(run_id: str, tags: Mapping[str, str]) -> str:
    """What a Dagster run is part of: a call of the command line, a backfill, or nothing but itself."""
    return tags.get(ORIGIN_TAG) or tags.get(BACKFILL_ID_TAG) or run_id


def run_id_of(migration: Migration, origin: str) -> str:
    """The run id of an origin, a new one at its first call."""
    found = migration.ledger.run_with(origin)
    return found or migration.ledger.run_of(origin, new_run_id(migration.objects, datetime.now(UTC)))


def names_of(migration: Migration, context: dg.AssetExecutionContext, *, applies: bool) -> tuple[str, str]:
    """The origin and the run id of a Dagster run; a dry run has a name of its own, which the ledger never hears of."""
    origin = origin_of(context.run.run_id, context.run.tags)
    return origin, run_id_of(migration, origin) if applies else dry_run_id(migration.plan.plan_id, context.run.run_id)


@contextmanager
def ended_when_stopped(objects: ObjectStore, report: Callable[[str, str], RunReport]) -> Iterator[None]:
    """A refused key, a taken or a lost lease ends the run for good, with its report."""
    try:
        yield
    except (PlacesStopped, LeaseTaken, LeaseLost) as error:
        stop = error.kind if isinstance(error, PlacesStopped) else "lease"
        save_report(objects, report(stop, str(error)))
        raise dg.Failure(description=str(error), metadata={"receipts/stop": stop}, allow_retries=False) from error


@contextmanager
def writer_lease(control: ControlStore, table: str, holder: str, purpose: str) -> Iterator[Lease]:
    """The right to write places into a table, which one process has at a time.

    Raises:
        LeaseTaken: another one has it; says who.
    """
    with Leases(control).held(_lease_name(table), holder, purpose) as lease:
        yield lease


def writer_of(control: ControlStore, table: str) -> Holder | None:
    """Who has that right now; None when nobody has."""
    return Leases(control).holder(_lease_name(table))


def _lease_name(table: str) -> str:
    return f"receipts writer of {table}"


def needs_place(row: Row, *, enrich_stubs: bool) -> bool:
    """Whether a record's place id has to be answered: it has no place yet, or a stub that is to be filled in."""
    return row.eligible and (row.existing == Existing.NONE or (enrich_stubs and row.existing == Existing.STUB))


def wanted_ids(rows: Sequence[Row], settings: MigrationSettings) -> list[str]:
    """The place ids that have to be answered, each once, in the order of their first records."""
    found = (row.place_id for row in rows if needs_place(row, enrich_stubs=settings.enrich_stubs))
    return list(dict.fromkeys(found))
