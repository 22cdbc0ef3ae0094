"""Whether the application suffered: what is asked of CloudWatch, and what follows from its answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.session import Session
from botocore.stub import ANY, Stubber

from backfill_pipelines.receipts.degradation import embedded, no_degradation
from backfill_pipelines.receipts.gate_results import GateVerdict
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.item_errors import AccessDenied
from backfill_pipelines.stores.table_metrics import TableMetrics, Usage

BEGIN = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
QUIET = Usage((60.0,), 0, 1.0, {"Query": 5.0, "GetItem": 3.0})


@pytest.fixture
def cloudwatch() -> Any:
    options = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "us-east-1"}
    return Session().client("cloudwatch", **options)


def test_what_cloudwatch_says_is_added_up_over_all_pages(cloudwatch: Any) -> None:
    def page(token: str = "", **values: list[float]) -> dict[str, Any]:
        found = [{"Id": name, "Label": name, "Values": seen, "Timestamps": []} for name, seen in values.items()]
        return {"MetricDataResults": found} | ({"NextToken": token} if token else {})

    asked = {"MetricDataQueries": ANY, "StartTime": BEGIN, "EndTime": ANY, "ScanBy": "TimestampAscending"}
    with Stubber(cloudwatch) as stub:
        stub.add_response("get_metric_data", page("more", writes=[60.0, 120.0], write_throttles=[1.0]), asked)
        stub.add_response(
            "get_metric_data", page(writes=[30.0], read_throttles=[2.0], latency_1=[4.5]), asked | {"NextToken": "more"}
        )
        found = TableMetrics("Receipts", cloudwatch).read(BEGIN, BEGIN + timedelta(hours=2))
    assert found == Usage((60.0, 120.0, 30.0), 3.0, 2.0, {"Query": 4.5})
    assert found.throttles_per_hour == 1.5


def test_a_missing_right_is_named(cloudwatch: Any) -> None:
    with Stubber(cloudwatch) as stub:
        stub.add_client_error("get_metric_data", "AccessDenied", "no")
        with pytest.raises(AccessDenied, match="Receipts: GetMetricData CloudWatch"):
            TableMetrics("Receipts", cloudwatch).read(BEGIN, BEGIN + timedelta(hours=2))


def test_growth_up_to_a_quarter_is_green_and_more_names_what_grew() -> None:
    assert no_degradation(QUIET, Usage((600.0,), 0, 1.0, {"Query": 6.25, "PutItem": 90.0})).verdict is GateVerdict.PASS
    worse = no_degradation(QUIET, Usage((600.0,), 4, 2.0, {"Query": 6.3, "GetItem": 3.0}))
    assert worse.verdict is GateVerdict.FAIL
    assert worse.culprits == ("Query: p99 6.3 ms, 5.0 ms before", "throttles: 2.0 an hour, 0.0 before")
    assert "BACKFILL_WRITE_UTILISATION" in worse.repair


def test_an_application_that_is_not_there_is_proven_by_its_absence() -> None:
    nobody = Usage((), 0, 1.0, {})
    assert no_degradation(nobody, nobody).verdict is GateVerdict.NOT_APPLICABLE
    assert embedded().text.startswith("not_applicable (embedded)")


def test_nothing_measures_the_embedded_server() -> None:
    assert DynamoDB(table="Receipts", embedded="folder").metrics() is None
