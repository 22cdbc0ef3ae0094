"""DynamoDB as a Dagster resource: where it is and as whom, from settings; connected on first use.

Production takes credentials from where boto3 looks for them; the embedded server is started when it is needed and
gets made-up ones.
"""

import threading
from functools import cache
from typing import Any

import dagster as dg
from boto3.session import Session
from botocore.config import Config
from pydantic import Field, PrivateAttr

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.stores.aws_clients import aws_options, shared_client
from backfill_pipelines.stores.dynamodb import DynamoItemStore
from backfill_pipelines.stores.dynamodb_tables import DynamoTable
from backfill_pipelines.stores.dynamodb_wire import item_session, send_items_as_held
from backfill_pipelines.stores.streams import ChangeStream
from backfill_pipelines.stores.table_metrics import TableMetrics

#: Calls in flight at once: more than any number of workers, which would wait for a connection otherwise.
_CONNECTIONS = 64
_READ_ATTEMPTS = 8
_CONNECT_SECONDS = 10
_MAKING = threading.Lock()
_ANSWER_SECONDS = 30


class DynamoDB(dg.ConfigurableResource):
    """Item stores and tables of one account and region."""

    table: str = Field(default="", description="The receipts table; it is never guessed.")
    region: str = Field(default="us-east-1", description="AWS region of the tables.")
    endpoint: str | None = Field(default=None, description="URL of a DynamoDB-compatible server; None for AWS.")
    embedded: str | None = Field(default=None, description="Folder of the embedded server; None where there is none.")
    environments: str = Field(default="", description="Folder of the environments of local servers.")
    _lock: Any = PrivateAttr(default_factory=threading.Lock)
    _clients: tuple[Any, Any] | None = PrivateAttr(default=None)

    def store(self, table: str | None = None) -> DynamoItemStore:
        """The items of a table, by default the receipts table.

        Raises:
            SettingsError: no table is named.
        """
        name = self.named(table)
        reads, once = self._connected()
        return DynamoItemStore(name, reads, once)

    def as_table(self, table: str | None = None) -> DynamoTable:
        """Structure and backups of a table, by default the receipts table.

        Raises:
            SettingsError: no table is named.
        """
        name = self.named(table)
        return DynamoTable(name, self._connected()[0])

    def metrics(self, table: str | None = None) -> TableMetrics | None:
        """What CloudWatch measures of a table; None on the embedded server, which nothing measures.

        Raises:
            SettingsError: no table is named.
        """
        name = self.named(table)
        if self.embedded is not None or self.endpoint is not None:
            return None
        return TableMetrics(name, _metrics_client(self.region))

    def stream(self, table: str | None = None) -> ChangeStream | None:
        """The changes of a table from now on; None in AWS, where they are for its handlers alone.

        Raises:
            SettingsError: no table is named.
            ItemStoreError: the server does not answer.
        """
        name = self.named(table)
        if self.embedded is None and self.endpoint is None:
            return None
        return ChangeStream(shared_client("dynamodbstreams", _READ_ATTEMPTS, **self._options()), name)

    def require_answer(self, table: str | None = None) -> None:
        """Ask for the table once, so that nobody waits for a server that is not there.

        Raises:
            SettingsError: no table is named.
            ItemStoreError: there is no answer, or no such table.
        """
        name = self.named(table)
        DynamoTable(name, self._connected()[1]).describe()

    def named(self, table: str | None = None) -> str:
        """The name of a table, by default of the receipts table; nothing is opened.

        Raises:
            SettingsError: no table is named.
        """
        if found := table or self.table:
            return found
        raise SettingsError(
            "no receipts table is named. Repair: set BACKFILL_RECEIPTS_TABLE to its full name; it has no default"
        )

    def _connected(self) -> tuple[Any, Any]:
        """A client whose SDK tries reads again, and one that sends everything once."""
        with self._lock:
            if self._clients is None:
                self._clients = _clients_of(tuple(self._options().items()))
            return self._clients

    def _options(self) -> dict[str, Any]:
        return aws_options(self.region, self.endpoint, self.embedded, self.environments)


@cache
def _session() -> Session:
    """One of our own: reading the service's description takes a tenth of a second, for every run anew otherwise."""
    return item_session()


@cache
def _of_options(options: tuple[tuple[str, Any], ...]) -> tuple[Any, Any]:
    return client(_session(), _READ_ATTEMPTS, **dict(options)), client(_session(), 1, **dict(options))


def _clients_of(options: tuple[tuple[str, Any], ...]) -> tuple[Any, Any]:
    """The two clients of an endpoint, which all resources of this process share; a session makes one at a time."""
    with _MAKING:
        return _of_options(options)


def _metrics_client(region: str) -> Any:
    with _MAKING:
        return _session().client("cloudwatch", region_name=region)


def client(session: Session, attempts: int, **options: Any) -> Any:
    """A low-level DynamoDB client that makes this many attempts at a call.

    It neither checks the shape of what it sends, which the server does as well, nor puts together its name anew for
    each call: both are a quarter of a put's processor time.
    """
    config = Config(
        parameter_validation=False,
        user_agent="backfill-pipelines",
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=_CONNECTIONS,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
    )
    made = session.client("dynamodb", config=config, **options)
    send_items_as_held(made)
    return made
