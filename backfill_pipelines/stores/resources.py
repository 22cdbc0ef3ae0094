"""The stores of a deployment, built from settings: one code path, whichever deployment it is."""

from typing import TYPE_CHECKING, Any

from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.buckets import Buckets
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.embedded_aws import EmbeddedAws
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.places import PRODUCTION_URL, Places
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines.stores.queues import Queues
from backfill_pipelines.stores.step_functions import StepFunctions

if TYPE_CHECKING:
    from backfill_pipelines.stores.bigquery import BigQueryWarehouse


def build_warehouse(settings: Settings) -> "DuckDBWarehouse | BigQueryWarehouse":
    """The warehouse of the settings; nothing is opened."""
    if settings.warehouse == "bigquery":
        from backfill_pipelines.stores.bigquery import BigQueryWarehouse  # Google's client: most of a second

        return BigQueryWarehouse(
            project=settings.bigquery_project or "",
            location=settings.bigquery_location,
            api_endpoint=settings.bigquery_endpoint,
        )
    return DuckDBWarehouse(path=str(settings.duckdb_file), lock_timeout_seconds=settings.lock_timeout_seconds)


def build_items(settings: Settings) -> DynamoDB:
    """Tables of items as the settings say; nothing is opened or started."""
    is_embedded = settings.items == "embedded"
    return DynamoDB(
        table=settings.receipts_table or "",
        region=settings.aws_region,
        endpoint=settings.dynamodb_endpoint,
        embedded=str(settings.embedded_aws_dir) if is_embedded else None,
        environments=str(settings.environments_dir) if is_embedded else "",
    )


def build_buckets(settings: Settings) -> Buckets:
    """The S3 buckets of the settings, only asked what they hold; nothing is opened or started."""
    is_embedded = settings.items == "embedded"
    return Buckets(
        region=settings.aws_region,
        endpoint=settings.s3_endpoint,
        embedded=str(settings.embedded_aws_dir) if is_embedded else None,
        environments=str(settings.environments_dir) if is_embedded else "",
    )


def build_objects(settings: Settings) -> ObjectStore:
    """Where manifests and reports are kept; nothing is opened."""
    return ObjectStore(url=settings.objects_root, is_own=True)


def build_control(settings: Settings) -> ControlStore:
    """Ledgers, budget, rates, leases and decisions; nothing is opened."""
    return ControlStore(url=settings.control_store_url)


def build_places(settings: Settings) -> Places:
    """The Places API of the settings; nothing is opened or started."""
    if settings.places == "embedded":
        return Places(endpoint=None, embedded=str(settings.embedded_places_dir))
    return Places(endpoint=settings.places_endpoint or PRODUCTION_URL)


def build_embedded_places(settings: Settings) -> EmbeddedPlaces | None:
    """The embedded Places stand-in of the settings, not started; None where Google is asked."""
    return EmbeddedPlaces(settings.embedded_places_dir) if settings.places == "embedded" else None


def build_embedded_aws(settings: Settings) -> EmbeddedAws | None:
    """The embedded AWS server of the settings, not started; None where a real service is used."""
    if settings.items != "embedded":
        return None
    return EmbeddedAws(settings.embedded_aws_dir, settings.environments_dir)


def build_step_functions(settings: Settings) -> StepFunctions:
    """The embedding workflows of the settings, a stand-in where the tables are embedded; nothing is started."""
    is_embedded = settings.items == "embedded" and settings.step_functions_endpoint is None
    return StepFunctions(
        region=settings.aws_region,
        endpoint=settings.step_functions_endpoint,
        embedded=str(settings.embedded_workflows_dir) if is_embedded else None,
        embedded_items=str(settings.embedded_aws_dir) if is_embedded else "",
        environments=str(settings.environments_dir) if is_embedded else "",
        embed_rate=settings.embed_rate,
    )


def build_postgres(settings: Settings) -> Postgres:
    """The coffee database of the settings; nothing is opened or started."""
    return Postgres(embedded=str(settings.embedded_postgres_dir) if settings.embeds_postgres else None)


def build_artifacts(settings: Settings) -> ObjectStore:
    """Where the bodies of shop feeds are kept; nothing is opened."""
    return ObjectStore(url=settings.artifacts_root, is_own=True, endpoint=settings.artifacts_endpoint)


def build_resources(settings: Settings) -> dict[str, Any]:
    """Resources by key, as the assets ask for them."""
    return {
        "warehouse": build_warehouse(settings),
        "feeds": ObjectStore(url=settings.feeds_root, endpoint=settings.feeds_endpoint),
        "items": build_items(settings),
        "buckets": build_buckets(settings),
        "objects": build_objects(settings),
        "control": build_control(settings),
        "places": build_places(settings),
        "step_functions": build_step_functions(settings),
        "queues": Queues(urls=settings.stream_queues, region=settings.aws_region),
        "postgres": build_postgres(settings),
        "artifacts": build_artifacts(settings),
        "notifier": Notifier(file=str(settings.state_dir / "notifications.jsonl"), webhook_url=settings.webhook_url),
    }
