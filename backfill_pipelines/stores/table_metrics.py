"""What CloudWatch measured of a table: write units, throttles, latency. Read only; what follows from it is elsewhere.

CloudWatch keeps minutes for 15 days, and fives of them for 63; the newest minutes may still be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backfill_pipelines.stores.item_errors import translated

OPERATIONS = (
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "BatchWriteItem",
    "TransactWriteItems",
)
_NAMESPACE, _MINUTE, _FIVE_MINUTES = "AWS/DynamoDB", 60, 300
_MINUTES_KEPT = timedelta(days=14)
_MOST_PERIOD = 86_400


@dataclass(frozen=True)
class OperationUsage:
    """One operation, whoever sent its requests: those that succeeded, their p99 latency, and those that were throttled.

    A batch counts as one request, and as throttled only when nothing of it was done.
    """

    requests: float = 0.0
    p99_ms: float = 0.0
    throttled: float = 0.0


@dataclass(frozen=True)
class Usage:
    """A table between two times."""

    #: Write units a minute, of the minutes in which something was written.
    write_units: tuple[float, ...]
    hours: float
    #: The operations that were used or throttled.
    operations: Mapping[str, OperationUsage]


class TableMetrics:
    """The metrics of one table."""

    def __init__(self, table: str, client: Any) -> None:
        self.table = table
        self._client = client

    def read(self, begin: datetime, end: datetime) -> Usage:
        """What was measured between two times.

        Raises:
            ItemStoreError: CloudWatch refuses or does not answer.
        """
        period = _MINUTE if end - begin <= _MINUTES_KEPT else _FIVE_MINUTES
        whole = min(_MOST_PERIOD, max(_MINUTE, int((end - begin).total_seconds()) // _MINUTE * _MINUTE))
        queries = [self._query("writes", "ConsumedWriteCapacityUnits", period, "Sum")]
        for number, operation in enumerate(OPERATIONS):
            queries += [
                self._query(f"latency_{number}", "SuccessfulRequestLatency", whole, "p99", operation),
                self._query(f"requests_{number}", "SuccessfulRequestLatency", whole, "SampleCount", operation),
                self._query(f"throttled_{number}", "ThrottledRequests", whole, "Sum", operation),
            ]
        found = self._values(queries, begin, end)
        used = {
            name: OperationUsage(
                requests=sum(found.get(f"requests_{number}", ())),
                p99_ms=max(found.get(f"latency_{number}", ()), default=0.0),
                throttled=sum(found.get(f"throttled_{number}", ())),
            )
            for number, name in enumerate(OPERATIONS)
        }
        return Usage(
            write_units=tuple(value * _MINUTE / period for value in found.get("writes", ())),
            hours=(end - begin).total_seconds() / 3600,
            operations={name: one for name, one in used.items() if one.requests or one.throttled},
        )

    def _query(self, query_id: str, metric: str, period: int, stat: str, operation: str = "") -> dict[str, Any]:
        dimensions = [{"Name": "TableName", "Value": self.table}]
        dimensions += [{"Name": "Operation", "Value": operation}] if operation else []
        described = {"Namespace": _NAMESPACE, "MetricName": metric, "Dimensions": dimensions}
        return {"Id": query_id, "MetricStat": {"Metric": described, "Period": period, "Stat": stat}}

    def _values(self, queries: list[dict[str, Any]], begin: datetime, end: datetime) -> dict[str, list[float]]:
        """Values by query, over all pages."""
        found: dict[str, list[float]] = {}
        more: dict[str, str] = {}
        while True:
            try:
                answer = self._client.get_metric_data(
                    MetricDataQueries=queries, StartTime=begin, EndTime=end, ScanBy="TimestampAscending", **more
                )
            except (ClientError, BotoCoreError) as error:
                raise translated(error, self.table, "GetMetricData", "CloudWatch") from error
            for result in answer["MetricDataResults"]:
                found.setdefault(result["Id"], []).extend(result["Values"])
            if not answer.get("NextToken"):
                return found
            more = {"NextToken": answer["NextToken"]}
