"""What CloudWatch measured of a table: write units, throttles, latency. Read only; what follows from it is elsewhere.

CloudWatch keeps minutes for 15 days, and fives of them for 63; the newest minutes may still be missing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backfill_pipelines.stores.item_errors import translated

OPERATIONS = ("GetItem", "Query", "BatchGetItem", "UpdateItem")
_NAMESPACE, _MINUTE, _FIVE_MINUTES = "AWS/DynamoDB", 60, 300
_MINUTES_KEPT = timedelta(days=14)
_MOST_PERIOD = 86_400


@dataclass(frozen=True)
class Usage:
    """A table between two times."""

    #: Write units a minute, of the minutes in which something was written.
    write_units: tuple[float, ...]
    throttles: float
    hours: float
    #: p99 latency in milliseconds of each operation that was used.
    p99_ms: Mapping[str, float]

    @property
    def throttles_per_hour(self) -> float:
        """Throttled reads and writes an hour."""
        return self.throttles / self.hours if self.hours else 0.0


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
        queries = [
            self._query("writes", "ConsumedWriteCapacityUnits", period, "Sum"),
            self._query("write_throttles", "WriteThrottleEvents", period, "Sum"),
            self._query("read_throttles", "ReadThrottleEvents", period, "Sum"),
        ]
        queries += [
            self._query(f"latency_{number}", "SuccessfulRequestLatency", whole, "p99", operation)
            for number, operation in enumerate(OPERATIONS)
        ]
        found = self._values(queries, begin, end)
        slowest = {name: max(found.get(f"latency_{number}", ()), default=0.0) for number, name in enumerate(OPERATIONS)}
        return Usage(
            write_units=tuple(value * _MINUTE / period for value in found.get("writes", ())),
            throttles=sum((*found.get("write_throttles", ()), *found.get("read_throttles", ()))),
            hours=(end - begin).total_seconds() / 3600,
            p99_ms={name: value for name, value in slowest.items() if value},
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
