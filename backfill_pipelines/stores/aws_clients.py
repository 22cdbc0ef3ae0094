"""Clients of AWS services: where they are and as whom, for the real services and the embedded server alike.

One client for each service and endpoint, shared by all resources of a process: reading a service's description takes
a tenth of a second.
"""

import threading
from functools import cache
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config

from backfill_pipelines.stores.dynamodb_wire import item_session
from backfill_pipelines.stores.embedded_aws import EmbeddedAws

#: Calls in flight at once: more than any number of workers, which would wait for a connection otherwise.
CONNECTIONS = 64
_CONNECT_SECONDS = 10
_ANSWER_SECONDS = 30
_MAKING = threading.Lock()


def aws_options(region: str, endpoint: str | None, embedded: str | None, environments: str) -> dict[str, Any]:
    """What a client is made with; the embedded server is started when it is not running.

    Args:
        region: AWS region.
        endpoint: URL of a compatible server; None for AWS.
        embedded: Folder of the embedded server; None where there is none.
        environments: Folder of the environments of local servers.
    """
    if embedded is None:
        return {"region_name": region, "endpoint_url": endpoint}
    server = EmbeddedAws(Path(embedded), Path(environments or embedded))
    return {
        "region_name": region,
        "endpoint_url": server.endpoint(),
        "aws_access_key_id": "embedded",
        "aws_secret_access_key": "embedded",
    }


def shared_client(service: str, attempts: int, **options: Any) -> Any:
    """A low-level client that makes this many attempts at a call; a session makes one at a time."""
    with _MAKING:
        return _made(service, attempts, tuple(sorted(options.items())))


@cache
def _session(service: str) -> Session:
    return item_session() if service == "dynamodbstreams" else Session()


@cache
def _made(service: str, attempts: int, options: tuple[tuple[str, Any], ...]) -> Any:
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=CONNECTIONS,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        s3={"addressing_style": "path"} if dict(options).get("endpoint_url") else {},
    )
    return _session(service).client(service, config=config, **dict(options))
