"""Counters of SQS queues, read and nothing else: messages that wait, and messages in work. boto3, typed errors."""

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from backfill_pipelines.backfill.failures import StoreError

_COUNTERS = {
    "ApproximateNumberOfMessages": "waiting",
    "ApproximateNumberOfMessagesNotVisible": "in_work",
    "ApproximateNumberOfMessagesDelayed": "delayed",
}
_ATTEMPTS = 6
_MAKING = threading.Lock()

#: Of each queue, by its name: messages by where they are.
Counters = Mapping[str, Mapping[str, int]]


class Queues(dg.ConfigurableResource):
    """The queues that a table's stream handler fills; the service's own counters are approximate."""

    urls: list[str] = Field(default=[], description="URLs of the queues, dead-letter queues included.")
    region: str = Field(default="us-east-1", description="AWS region of the queues.")
    endpoint: str | None = Field(default=None, description="URL of a compatible server; None for AWS.")

    def counters(self) -> Counters:
        """What every queue holds now; nothing when none is named.

        Raises:
            StoreError: a queue is missing, or there is no answer.
        """
        return {url.rsplit("/", 1)[-1]: self._counted(url) for url in self.urls}

    def _counted(self, url: str) -> Mapping[str, int]:
        with _MAKING:
            client = _client(self.region, self.endpoint)
        try:
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTERS))
        except (ClientError, BotoCoreError) as error:
            raise StoreError(
                f"{url}: its counters cannot be read: {error}. Repair: correct BACKFILL_STREAM_QUEUES, or allow "
                "sqs:GetQueueAttributes"
            ) from error
        return {name: int(answer["Attributes"].get(key, 0)) for key, name in _COUNTERS.items()}


@cache
def _client(region: str, endpoint: str | None) -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": _ATTEMPTS})
    return Session().client("sqs", region_name=region, endpoint_url=endpoint, config=config)
