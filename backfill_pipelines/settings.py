"""Settings: read from the environment once, validated, the only difference between deployments.

Every variable starts with ``BACKFILL_``. Reading them opens no connection.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from backfill_pipelines.backfill.failures import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent


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
    aws_region: str = Field("us-east-1", min_length=1, description="AWS region of the tables of items.")
    receipts_table: str | None = Field(
        None, pattern=r"^[a-zA-Z0-9_.-]{3,255}$", description="The receipts table; it has no default."
    )
    servers_dir: Path | None = Field(
        None, description="Folder of the environments of local servers; default: servers in the state folder."
    )
    objects_url: str | None = Field(
        None, description="Folder or gs:// prefix of manifests and reports; default: objects in the state folder."
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
        if self.dynamodb_endpoint and self.items == "embedded":
            raise ValueError(
                "BACKFILL_DYNAMODB_ENDPOINT needs BACKFILL_ITEMS=dynamodb: the embedded server has its own"
            )
        if self.deployment == "prod" and self.receipts_table and self.items == "embedded":
            raise ValueError("BACKFILL_DEPLOYMENT=prod with BACKFILL_RECEIPTS_TABLE needs BACKFILL_ITEMS=dynamodb")
        return self

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
