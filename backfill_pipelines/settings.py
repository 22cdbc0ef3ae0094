"""Settings: read from the environment once, validated, the only difference between deployments.

Every variable starts with ``BACKFILL_``. Reading them opens no connection.
"""

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backfill_pipelines.backfill.failures import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent

GOOGLE_QPM, EMBEDDED_QPM = 300.0, 60_000.0


class Settings(BaseSettings):
    """All settings, with the embedded defaults."""

    model_config = SettingsConfigDict(env_prefix="BACKFILL_", extra="ignore", frozen=True)

    deployment: Literal["local", "dev", "prod"] = Field("local", description="Which deployment this process is.")
    state_dir: Path = Field(PROJECT_ROOT / ".state", description="Folder of everything embedded; git ignores it.")
    warehouse: Literal["duckdb", "bigquery"] = Field("duckdb", description="Engine of the warehouse.")
    duckdb_path: Path | None = Field(
        None, description="The DuckDB file; default: warehouse.duckdb in the state folder."
    )
    lock_timeout_seconds: float = Field(120.0, gt=0, description="Wait while another process holds the DuckDB file.")
    bigquery_project: str | None = Field(None, description="Project of the warehouse; needed with bigquery.")
    bigquery_location: str = Field("US", description="Location of the datasets.")
    bigquery_endpoint: str | None = Field(None, description="Endpoint of an emulator; empty for the real service.")
    feeds_url: str | None = Field(
        None, description="Folder or gs:// prefix of the raw feeds; default: feeds in the state folder."
    )
    feeds_endpoint: str | None = Field(None, description="Endpoint of a bucket emulator; empty for the real service.")
    items: Literal["embedded", "dynamodb"] = Field("embedded", description="Where tables of items are kept.")
    dynamodb_endpoint: str | None = Field(
        None, pattern=r"^https?://", description="Endpoint of a DynamoDB-compatible server; empty for the real service."
    )
    s3_endpoint: str | None = Field(
        None, pattern=r"^https?://", description="Endpoint of an S3-compatible server; empty for the real service."
    )
    aws_region: str = Field("us-east-1", min_length=1, description="AWS region of the tables of items.")
    receipts_table: str | None = Field(
        None, pattern=r"^[a-zA-Z0-9_.-]{3,255}$", description="The receipts table; it has no default."
    )
    places: Literal["embedded", "google"] = Field(
        "embedded", description="The Places API: a local stand-in that makes up places, or Google's."
    )
    places_endpoint: str | None = Field(
        None, pattern=r"^https?://", description="Another address of the Places API; empty for Google's own."
    )
    places_key: SecretStr | None = Field(
        None,
        description="Key of the Places API, needed to call Google; read where it is sent, and passed on to nobody.",
    )
    places_tier: Literal["id_refresh", "essentials", "pro", "full"] = Field(
        "full", description="Fields of a place that are asked for."
    )
    places_qpm: float | None = Field(
        None,
        gt=0,
        description="Places calls a minute, of all processes; default: 300, with the embedded stand-in 60,000.",
    )
    places_concurrency: int = Field(4, ge=1, le=64, description="Places calls in flight at once, of a process.")
    places_cache_max_age_days: float = Field(30.0, gt=0, description="Age up to which an answer is used again.")
    places_budget_usd: Decimal = Field(Decimal(50), ge=0, description="Most dollars of Places calls in a month.")
    places_max_calls: int | None = Field(None, ge=0, description="Most Places calls of a run; default: no cap.")
    places_daily_quota: int | None = Field(
        None, ge=0, description="Places calls a day that Google allows the project, as its console shows it."
    )
    places_free_calls: int | None = Field(
        None, ge=0, description="Free Places calls a month; default: those of the price list."
    )
    write_workers: int = Field(10, ge=1, le=64, description="Writes to the receipts table in flight at once.")
    write_utilisation: float = Field(0.5, gt=0, le=1, description="Share of the table's write limits that is used.")
    photo_references_max: int = Field(0, ge=0, description="Photo names kept with a place.")
    enrich_stubs: bool = Field(default=False, description="Fill in places that another writer left without content.")
    require_parent_receipt: bool = Field(default=True, description="A record without a RECEIPT row gets no place.")
    promotion_source: Literal["files", "table"] = Field(
        "files", description="Images are promoted from export files, or from the source table itself."
    )
    promotion_exports_url: str | None = Field(
        None, description="Folder or s3:// prefix of export files; default: exports in the state folder."
    )
    promotion_source_table: str | None = Field(
        None, pattern=r"^[a-zA-Z0-9_.-]{3,255}$", description="The table images come from; it has no default."
    )
    promotion_target_table: str | None = Field(
        None,
        pattern=r"^[a-zA-Z0-9_.-]{3,255}$",
        description="The table images are copied to; default: BACKFILL_RECEIPTS_TABLE.",
    )
    promotion_buckets: dict[str, str] = Field(
        {}, description="S3 bucket of the source to that of the target, as a JSON object; name to itself keeps a name."
    )
    promotion_accept_loss: list[str] = Field([], description="What may be left behind, by name, as a JSON list.")
    promotion_accepted_images: list[str] = Field(
        [], description="Images that may be quarantined without counting against the ratio, as a JSON list."
    )
    promotion_protected_images: list[str] = Field([], description="Images that are never replaced, as a JSON list.")
    promotion_max_export_age_days: float = Field(7.0, gt=0, description="Age up to which an export file counts.")
    promotion_check_objects: bool = Field(
        default=False, description="Ask the target's buckets for every file of an image."
    )
    promotion_chunk_images: int = Field(100, ge=1, le=10_000, description="Images between two looks at the backlog.")
    promotion_workers: int = Field(10, ge=1, le=64, description="Images in flight at once.")
    promotion_embedding_backlog_limit: int = Field(
        50_000, ge=1, description="Most lines and words that may wait for their embedding."
    )
    step_functions_endpoint: str | None = Field(
        None, pattern=r"^https?://", description="Endpoint of a Step Functions server; empty for the real service."
    )
    line_workflow_arn: str | None = Field(
        None, pattern=r"^arn:", description="State machine that embeds lines; the embedded stand-in needs none."
    )
    word_workflow_arn: str | None = Field(
        None, pattern=r"^arn:", description="State machine that embeds words; the embedded stand-in needs none."
    )
    embed_rate: float = Field(5_000.0, gt=0, description="Lines and words a second that the embedded stand-in embeds.")
    embedding_poll_seconds: float | None = Field(
        None, gt=0, description="Between two looks at a workflow; default: 30, of the embedded stand-in 0.5."
    )
    embedding_timeout_seconds: float = Field(7_200.0, gt=0, description="Most time that workflows are waited for.")
    embedding_sample_seconds: float | None = Field(
        None, gt=0, description="Between two samples of what is left; default: 60, with the embedded stand-in 2."
    )
    stream_queues: list[str] = Field(
        [], description="URLs of the queues that the table's stream handler fills, as a JSON list; read, never written."
    )
    production_tables: list[str] = Field([], description="Tables that need their name as confirmation, as a JSON list.")
    control_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the control store (ledgers, budget, leases, rates); default: control.db in the "
        "state folder.",
    )
    servers_dir: Path | None = Field(
        None, description="Folder of the environments of local servers; default: servers in the state folder."
    )
    objects_url: str | None = Field(
        None, description="Folder or gs:// prefix of manifests and reports; default: objects in the state folder."
    )
    postgres: Literal["embedded", "server"] | None = Field(
        None, description="PostgreSQL of the coffee recovery; default: embedded, in prod a server."
    )
    postgres_dsn: SecretStr | None = Field(
        None, description="DSN of a PostgreSQL server, with its database; read where it is used."
    )
    artifacts_url: str | None = Field(
        None, description="Folder or gs:// prefix of the stored bodies; default: artifacts in the state folder."
    )
    artifacts_endpoint: str | None = Field(None, description="Endpoint of a bucket emulator; empty for the real one.")
    coffee_legacy_url: str | None = Field(
        None, description="Folder or gs:// prefix of the old scraper's files, searched for days without a body."
    )
    coffee_manifest: Path | None = Field(None, description="Import manifest of those files: their times and sources.")
    shop_contact: str = Field("", description="URL or mail address by which a shop reaches who asks it.")
    backups_dir: Path | None = Field(
        None, description="Folder of the backups of the coffee database; default: backups in the state folder."
    )
    webhook_url: str | None = Field(
        None,
        description="Slack-compatible webhook for notifications; default: notifications.jsonl in the state folder.",
    )
    ui_port: int = Field(3000, ge=1, le=65535, description="Port of the web UI.")

    @model_validator(mode="after")
    def _complete(self) -> "Settings":
        if self.warehouse == "bigquery" and not self.bigquery_project:
            raise ValueError("BACKFILL_WAREHOUSE=bigquery needs BACKFILL_BIGQUERY_PROJECT")
        if self.deployment == "prod" and self.warehouse == "duckdb":
            raise ValueError("BACKFILL_DEPLOYMENT=prod needs BACKFILL_WAREHOUSE=bigquery: DuckDB is the local default")
        for name, endpoint in (("DYNAMODB", self.dynamodb_endpoint), ("S3", self.s3_endpoint)):
            if endpoint and self.items == "embedded":
                raise ValueError(
                    f"BACKFILL_{name}_ENDPOINT needs BACKFILL_ITEMS=dynamodb: the embedded server has its own"
                )
        if self.deployment == "prod" and self.receipts_table and self.items == "embedded":
            raise ValueError("BACKFILL_DEPLOYMENT=prod with BACKFILL_RECEIPTS_TABLE needs BACKFILL_ITEMS=dynamodb")
        self._require_complete_places()
        self._require_complete_postgres()
        return self

    def _require_complete_places(self) -> None:
        if self.places_endpoint and self.places == "embedded":
            raise ValueError("BACKFILL_PLACES_ENDPOINT needs BACKFILL_PLACES=google: the embedded stand-in has its own")
        if self.deployment == "prod" and self.receipts_table and self.places == "embedded":
            raise ValueError(
                "BACKFILL_DEPLOYMENT=prod with BACKFILL_RECEIPTS_TABLE needs BACKFILL_PLACES=google: the embedded "
                "stand-in makes up its places"
            )

    def _require_complete_postgres(self) -> None:
        if self.postgres == "embedded" and self.deployment == "prod":
            raise ValueError("BACKFILL_DEPLOYMENT=prod needs BACKFILL_POSTGRES=server: the embedded one is local")
        if self.postgres == "server" and not self.postgres_dsn:
            raise ValueError("BACKFILL_POSTGRES=server needs BACKFILL_POSTGRES_DSN")
        if self.postgres_dsn and self.embeds_postgres:
            raise ValueError("BACKFILL_POSTGRES_DSN needs BACKFILL_POSTGRES=server: the embedded server has its own")

    @property
    def embeds_postgres(self) -> bool:
        """Whether PostgreSQL is embedded; never in production, where it is missing until a DSN names it."""
        return self.postgres == "embedded" or (self.postgres is None and self.deployment != "prod")

    @property
    def embedded_postgres_dir(self) -> Path:
        """Where the embedded PostgreSQL keeps its data."""
        return self.state_dir / "postgres"

    @property
    def artifacts_root(self) -> str:
        """The root of the stored bodies in force."""
        return self.artifacts_url or str(self.state_dir / "artifacts")

    @property
    def backups_folder(self) -> Path:
        """Where backups of the coffee database are kept."""
        return self.backups_dir or self.state_dir / "backups"

    @property
    def queries_per_minute(self) -> float:
        """Places calls a minute in force: nobody is spared by a slow stand-in."""
        return self.places_qpm or (EMBEDDED_QPM if self.places == "embedded" else GOOGLE_QPM)

    @property
    def embedded_places_dir(self) -> Path:
        """Where the embedded Places stand-in keeps what was loaded into it."""
        return self.state_dir / "places"

    @property
    def control_store_url(self) -> str:
        """The URL of the control store in force."""
        return self.control_url or f"sqlite:///{(self.state_dir / 'control.db').absolute()}"

    @property
    def embedded_workflows_dir(self) -> Path:
        """Where the embedded stand-in of the embedding workflows keeps its executions."""
        return self.state_dir / "workflows"

    @property
    def embedded_aws_dir(self) -> Path:
        """Where the embedded AWS server keeps its state."""
        return self.state_dir / "aws"

    @property
    def environments_dir(self) -> Path:
        """Where the environments of local servers are kept."""
        return self.servers_dir or self.state_dir / "servers"

    @property
    def duckdb_file(self) -> Path:
        """The DuckDB file in force."""
        return self.duckdb_path or self.state_dir / "warehouse.duckdb"

    @property
    def feeds_root(self) -> str:
        """The feed root in force."""
        return self.feeds_url or str(self.state_dir / "feeds")

    @property
    def objects_root(self) -> str:
        """The root of manifests and reports in force."""
        return self.objects_url or str(self.state_dir / "objects")

    @property
    def exports_root(self) -> str:
        """The root of export files in force."""
        return self.promotion_exports_url or str(self.state_dir / "exports")

    @property
    def dagster_home(self) -> Path:
        """Where Dagster keeps runs, events and schedules."""
        return self.state_dir / "dagster"


def read_settings() -> Settings:
    """Settings from the environment.

    Raises:
        SettingsError: one line for each wrong variable.
    """
    try:
        return Settings()  # pyright: ignore[reportCallIssue]
    except ValidationError as error:
        lines = [f"  {_variable(item['loc'])}: {item['msg']}" for item in error.errors()]
        raise SettingsError("wrong settings:\n" + "\n".join(lines)) from error


def _variable(location: tuple[int | str, ...]) -> str:
    return "BACKFILL_" + "_".join(str(part) for part in location).upper() if location else "settings"
