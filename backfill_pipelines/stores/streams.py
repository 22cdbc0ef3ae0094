"""The change stream of a table: what happened to its items since somebody began to look. boto3, typed errors.

For local servers: a table of AWS feeds its handlers, and one reader more would slow them down. What a change means is
the domain's.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backfill_pipelines.stores.item_errors import translated
from backfill_pipelines.stores.items import Item


@dataclass(frozen=True)
class StreamRecord:
    """An item before and after a change; None where there was none."""

    before: Item | None
    after: Item | None


class ChangeStream:
    """The changes of one table from the moment it is made; one reader, one thread.

    A position is good for 15 minutes: whoever looks on longer reads in between.

    Raises:
        ItemStoreError: the server does not answer, or the position has expired.
    """

    def __init__(self, client: Any, table: str) -> None:
        self._client = client
        self._table = table
        self._positions: dict[tuple[str, str], str | None] = {}
        for arn, shard in self._shards():
            self._positions[arn, shard] = self._begin(arn, shard, "LATEST")

    @property
    def is_there(self) -> bool:
        """Whether the table has a stream at all."""
        return bool(self._positions)

    def changes(self) -> Iterator[StreamRecord]:
        """What happened since the last time this was asked, in the order of each shard."""
        for arn, shard in self._shards():
            key = (arn, shard)
            position = self._positions[key] if key in self._positions else self._begin(arn, shard, "TRIM_HORIZON")
            while position is not None:
                page = self._call("get_records", "GetRecords", ShardIterator=position)
                position = page.get("NextShardIterator")
                self._positions[key] = position
                for record in page["Records"]:
                    said = record["dynamodb"]
                    yield StreamRecord(said.get("OldImage"), said.get("NewImage"))
                if not page["Records"]:
                    break

    def _shards(self) -> Iterator[tuple[str, str]]:
        for stream in self._call("list_streams", "ListStreams", TableName=self._table)["Streams"]:
            arn = stream["StreamArn"]
            about = self._call("describe_stream", "DescribeStream", StreamArn=arn)["StreamDescription"]
            yield from ((arn, shard["ShardId"]) for shard in about["Shards"])

    def _begin(self, arn: str, shard: str, where: str) -> str:
        asked = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": where}
        return str(self._call("get_shard_iterator", "GetShardIterator", **asked)["ShardIterator"])

    def _call(self, method: str, operation: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, method)(**arguments)
        except (ClientError, BotoCoreError) as error:
            raise translated(error, self._table, operation, "") from error
