"""Counters of SQS queues, read and nothing else: messages that wait, and messages in work. boto3, typed errors."""

from collections.abc import Mapping

import dagster as dg
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import Field

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.stores.aws_clients import shared_client

_COUNTERS = {
    "ApproximateNumberOfMessages": "waiting",
    "ApproximateNumberOfMessagesNotVisible": "in_work",
    "ApproximateNumberOfMessagesDelayed": "delayed",
}
_ATTEMPTS = 6

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
        client = shared_client("sqs", _ATTEMPTS, region_name=self.region, endpoint_url=self.endpoint)
        try:
            answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=list(_COUNTERS))
        except (ClientError, BotoCoreError) as error:
            raise StoreError(
                f"{url}: its counters cannot be read: {error}. Repair: correct BACKFILL_STREAM_QUEUES, or allow "
                "sqs:GetQueueAttributes"
            ) from error
        return {name: int(answer["Attributes"].get(key, 0)) for key, name in _COUNTERS.items()}
