"""Whether the application suffered: what is asked of CloudWatch, and what follows from its answers."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from boto3.session import Session
from botocore.stub import ANY, Stubber

from backfill_pipelines.receipts.degradation import embedded, no_degradation, writing_spans
from backfill_pipelines.receipts.gate_results import GateVerdict
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import RecordLedger, Settlement
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.item_errors import AccessDenied
from backfill_pipelines.stores.table_metrics import OperationUsage as Operation
from backfill_pipelines.stores.table_metrics import TableMetrics, Usage
from backfill_pipelines_tests.receipts.builders import PLACE_ID, RUN
from backfill_pipelines_tests.receipts.receipt_tables import image

BEGIN = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
QUIET = Usage((60.0,), 1.0, {"Query": Operation(1000, 5.0), "GetItem": Operation(500, 3.0)})


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
        stub.add_response("get_metric_data", page("more", writes=[60.0, 120.0], throttled_5=[1.0]), asked)
        later = page(writes=[30.0], throttled_5=[2.0], latency_2=[4.5], requests_2=[300.0, 20.0])
        stub.add_response("get_metric_data", later, asked | {"NextToken": "more"})
        found = TableMetrics("Receipts", cloudwatch).read(BEGIN, BEGIN + timedelta(hours=2))
    used = {"Query": Operation(320, 4.5), "PutItem": Operation(throttled=3)}
    assert found == Usage((60.0, 120.0, 30.0), 2.0, used)


def test_a_missing_right_is_named(cloudwatch: Any) -> None:
    with Stubber(cloudwatch) as stub:
        stub.add_client_error("get_metric_data", "AccessDenied", "no")
        with pytest.raises(AccessDenied, match="Receipts: GetMetricData CloudWatch"):
            TableMetrics("Receipts", cloudwatch).read(BEGIN, BEGIN + timedelta(hours=2))


def during(hours: float = 1.0, **operations: Operation) -> Usage:
    return Usage((600.0,), hours, operations)


def test_growth_up_to_a_quarter_is_green_and_more_names_what_grew() -> None:
    assert no_degradation(QUIET, [during(Query=Operation(1000, 6.25))], 0).verdict is GateVerdict.PASS
    spans = [during(Query=Operation(1000, 5.0)), during(Query=Operation(200, 6.3), UpdateItem=Operation(throttled=4))]
    worse = no_degradation(QUIET, spans, 0)
    assert worse.verdict is GateVerdict.FAIL
    assert worse.culprits == ("Query: p99 6.3 ms, 5.0 ms before", "throttles of others: 2.0 an hour, 0.0 before")
    assert "BACKFILL_WRITE_UTILISATION" in worse.repair


def test_what_we_send_ourselves_is_no_latency_of_the_application() -> None:
    """Our reads of a hundred keys are slower than anything that an application asks."""
    ours = {"BatchGetItem": Operation(9_000, 80.0), "PutItem": Operation(9_000, 40.0), "Scan": Operation(500, 300.0)}
    small = {name: Operation(1_000, 2.0) for name in ours}
    before = Usage((60.0,), 1.0, {**QUIET.operations, **small})
    assert no_degradation(before, [Usage((600.0,), 1.0, {**QUIET.operations, **ours})], 0).verdict is GateVerdict.PASS


def test_our_own_refused_puts_are_not_the_applications() -> None:
    """The pacer goes on until it is refused: a migration whose gate turned red by that could never end."""
    busy = during(Query=Operation(1000, 5.0), PutItem=Operation(9_000, 5.0, throttled=12))
    assert no_degradation(QUIET, [busy], 12).verdict is GateVerdict.PASS
    worse = no_degradation(QUIET, [busy], 9)
    assert worse.culprits == ("throttles of others: 3.0 an hour, 0.0 before",)
    assert worse.values["own_refused_puts"] == 9


def test_a_percentile_of_a_few_requests_is_not_judged() -> None:
    few = no_degradation(QUIET, [during(Query=Operation(99, 50.0), GetItem=Operation(500, 3.0))], 0)
    assert few.verdict is GateVerdict.PASS
    assert few.values["p99_ms_during"] == {"GetItem": 3.0}


def test_an_application_that_is_not_there_is_proven_by_its_absence() -> None:
    nobody = Usage((), 1.0, {})
    assert no_degradation(nobody, [nobody], 0).verdict is GateVerdict.NOT_APPLICABLE
    assert no_degradation(nobody, [], 0).verdict is GateVerdict.NOT_APPLICABLE
    assert embedded().text.startswith("not_applicable (embedded)")


def test_only_the_time_in_which_runs_wrote_is_looked_at(tmp_path: Path) -> None:
    """In between people verify and decide, which sends thousands of our own queries."""
    control = ControlStore(url=f"sqlite:///{tmp_path}/control.db")
    ledger = RecordLedger(control, "plan-1")

    def wrote(run_id: str, number: int, hour: int, minute: int) -> None:
        at = BEGIN.replace(hour=hour, minute=minute).isoformat()
        ledger.settle(run_id, [Settlement(RecordKey.of(image(number), 1), PLACE_ID, Outcome.CREATED)], at=at)

    for place in ((RUN, 1, 12, 10), (RUN, 2, 12, 40), ("rp-2", 3, 12, 50), ("rp-3", 4, 15, 5)):
        wrote(*place)
    runs = {RUN: BEGIN.isoformat(), "rp-2": BEGIN.replace(minute=30).isoformat()}
    runs |= {"rp-3": BEGIN.replace(hour=15).isoformat(), "rp-4": BEGIN.replace(hour=16).isoformat()}
    found = writing_spans(runs, ledger.entries().values())
    control.close()
    assert [(f"{begin:%H:%M}", f"{end:%H:%M}") for begin, end in found] == [("12:00", "12:50"), ("15:00", "15:05")]


def test_nothing_measures_the_embedded_server() -> None:
    assert DynamoDB(table="Receipts", embedded="folder").metrics() is None
