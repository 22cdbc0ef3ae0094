"""The stream of a table on the embedded server, and the messages that the deployed handler would make of it."""

from typing import Any

import boto3

from backfill_pipelines.receipts.stream_effects import place_messages
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace


class StreamMeter:
    """Everything that happened to the places of a table so far."""

    def __init__(self, place: ReceiptsPlace) -> None:
        self._table = place.name
        self._client: Any = boto3.client(
            "dynamodbstreams",
            endpoint_url=place.endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106
        )

    def messages(self) -> int:
        """Messages of all changes to places since the table was made."""
        return sum(
            place_messages(record.get("OldImage"), record.get("NewImage"))
            for record in self._records()
            if record["Keys"]["SK"]["S"].endswith("#PLACE")
        )

    def _records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        (stream,) = self._client.list_streams(TableName=self._table)["Streams"]
        arn = stream["StreamArn"]
        for shard in self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
            start = {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
            iterator = self._client.get_shard_iterator(**start)["ShardIterator"]
            while iterator:
                page = self._client.get_records(ShardIterator=iterator)
                found += [record["dynamodb"] for record in page["Records"]]
                iterator = page.get("NextShardIterator") if page["Records"] else None
        return found
