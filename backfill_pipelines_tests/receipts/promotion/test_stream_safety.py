"""An insert run is silent, measured on the stream of the embedded server; everything else is counted beforehand."""

import uuid
from typing import Any

import boto3
import pytest

from backfill_pipelines.receipts.promotion.promotion_rows import Kind
from backfill_pipelines.receipts.promotion.stream_safety import StreamWatch, predicted_of_run, predicted_removal
from backfill_pipelines.stores.dynamodb_resource import DynamoDB
from backfill_pipelines.stores.queues import Queues
from backfill_pipelines_tests.receipts.promotion.copy_world import Copying, image, planned


@pytest.fixture
def watch(target: Copying, monkeypatch: pytest.MonkeyPatch) -> StreamWatch:
    """Somebody who looks on from the beginning."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    items = DynamoDB(table=target.table, endpoint=target.endpoint)
    made = StreamWatch(items.stream, dict)
    made.begin()
    return made


def applied(target: Copying, run_id: str = "pr-1") -> Any:
    """What the ledger says of a run."""
    return target.ledger.applied(run_id)


def test_an_insert_run_causes_no_message(target: Copying, watch: StreamWatch) -> None:
    target.run([planned(0)])
    watch.read()
    seen = watch.measure([image(0)], applied(target))
    items = len(target.partition(0))
    assert (seen.expected, seen.actual, seen.violations) == (0, 0, 0)
    assert f"{items} INSERT, 0 MODIFY, 0 REMOVE of {items} writes" in seen.note


def test_a_second_run_causes_no_event_at_all(target: Copying, watch: StreamWatch) -> None:
    target.run([planned(0)])
    watch.begin()
    target.run([planned(0)], "pr-2")
    watch.read()
    assert watch.heard == {}


def test_an_identical_put_is_no_event_and_a_changed_one_is_named(target: Copying, watch: StreamWatch) -> None:
    target.run([planned(0)])
    watch.begin()
    place = target.partition(0)["RECEIPT#00001#PLACE"]
    target.store.put(place)
    watch.read()
    assert watch.heard == {}
    target.store.put({**place, "phone_number": {"S": "1"}})
    watch.read()
    seen = watch.measure([image(0)], applied(target))
    assert seen.violations == 1
    assert seen.sample == (f"MODIFY of IMAGE#{image(0)} RECEIPT#00001#PLACE: 1 messages",)
    assert watch.measure([image(0)], applied(target), accepted=[image(0)]).violations == 0


def test_images_that_others_write_meanwhile_are_none_of_the_runs(target: Copying, watch: StreamWatch) -> None:
    target.run([planned(0), planned(1)])
    target.store.delete({name: target.partition(1)["RECEIPT#00001#PLACE"][name] for name in ("PK", "SK")})
    watch.read()
    assert watch.measure([image(0)], applied(target)).violations == 0
    assert watch.measure([image(1)], applied(target)).violations == 1


def test_what_a_rollback_sends_is_said_beforehand_and_is_what_it_sends(target: Copying, watch: StreamWatch) -> None:
    target.run([planned(0)])
    items = list(target.partition(0).values())
    said = predicted_removal(items)
    assert said.messages == 2  # a place and a label
    assert said.version_dependent == 32  # a receipt, a line, thirty words
    assert "handler version dependent" in said.text
    watch.begin()
    target.store.batch_write(deletes=[{"PK": item["PK"], "SK": item["SK"]} for item in items])
    watch.read()
    assert watch.heard[image(0)].messages == said.messages
    assert watch.heard[image(0)].events == {"REMOVE": len(items)}


def test_of_a_large_run_the_first_changes_are_measured_and_the_rest_is_judged_by_the_ledger(
    target: Copying, watch: StreamWatch
) -> None:
    watch.most_changes = 20
    target.run([planned(0)])
    watch.read()
    assert watch.is_full
    seen = watch.measure([image(0)], applied(target))
    assert seen.violations == 0
    assert "of its first 20 changes; the others by the ledger: 20 INSERT" in seen.note
    assert watch.measure([image(0)], {"create": {"COMPACTION_RUN": 1}}).violations == 2


def test_nothing_is_read_before_it_was_begun() -> None:
    def never() -> dict[str, dict[str, int]]:
        raise AssertionError

    watch = StreamWatch(lambda: None, never)
    watch.read()
    watch.keep_up()
    assert not watch.is_measured


def test_where_the_stream_is_not_ours_the_ledger_is_judged_and_the_queues_are_recorded() -> None:
    counts = iter([{"lines": {"waiting": 3}}, {"lines": {"waiting": 4}}])
    watch = StreamWatch(lambda: None, lambda: next(counts))
    watch.begin()
    watch.read()
    seen = watch.measure(["a"], {"create": {"RECEIPT_PLACE": 1, "RECEIPT_WORD_LABEL": 9, "RECEIPT_WORD": 30}})
    assert seen.violations == 0
    assert "lines {'waiting': 3} before, {'waiting': 4} after" in seen.note
    assert watch.measure(["a"], {"create": {"COMPACTION_RUN": 1}}).violations == 2


def test_changes_and_removals_of_a_run_are_counted_each_as_one() -> None:
    loud: dict[str, dict[str, int]] = {
        Kind.CHANGE: {"RECEIPT_PLACE": 2, "RECEIPT_WORD": 5},
        Kind.REMOVE: {"RECEIPT_WORD_LABEL": 3},
    }
    assert predicted_of_run(loud) == (5, ["change of 2 RECEIPT_PLACE", "remove of 3 RECEIPT_WORD_LABEL"])


def test_queues_are_counted_by_name(target: Copying, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    name = f"lines-{uuid.uuid4().hex[:8]}"
    client = boto3.client("sqs", region_name="us-east-1", endpoint_url=target.endpoint)
    url = client.create_queue(QueueName=name)["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="{}")
    found = Queues(urls=[url], endpoint=target.endpoint).counters()
    assert found == {name: {"waiting": 1, "in_work": 0, "delayed": 0}}
    assert Queues().counters() == {}
