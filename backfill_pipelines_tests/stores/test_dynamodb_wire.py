"""Items between the SDK and the wire: what the shortcut gives is what the SDK's own way gives."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import JSONParser
from botocore.session import Session

from backfill_pipelines.stores.dynamodb_wire import ItemParser, encoded, send_items_as_held

_MODEL = ServiceModel(Loader().load_service_model("dynamodb", "service-2"))
_ITEM = {
    "PK": {"S": "IMAGE#1"},
    "n": {"N": "0.10"},
    "flag": {"BOOL": False},
    "nothing": {"NULL": True},
    "names": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2"]},
    "box": {"M": {"x": {"N": "1"}, "parts": {"L": [{"S": "é"}, {"M": {}}]}}},
    "empty": {"L": []},
}


def _output(operation: str) -> Any:
    return _MODEL.operation_model(operation).output_shape


def _both_ways(body: bytes, operation: str = "Query") -> tuple[Any, Any]:
    answer = {"body": body, "headers": {}, "status_code": 200}
    shape = _output(operation)
    return ItemParser().parse(answer, shape), JSONParser().parse(answer, shape)


def _page(*items: Any, **more: Any) -> bytes:
    return json.dumps({"Items": items, "Count": len(items), "ScannedCount": len(items), **more}).encode()


@pytest.mark.parametrize("text", ["x", "B", '"B":', "BS", "\\u0042", "é\u2028", "\ud800"])
def test_items_are_answered_as_the_sdk_answers_them_whatever_their_texts(text: str) -> None:
    ours, theirs = _both_ways(_page({**_ITEM, "text": {"S": text}}, LastEvaluatedKey={"PK": {"S": text}}))
    assert ours == theirs
    assert ours["Items"][0]["text"] == {"S": text}


@pytest.mark.parametrize(
    "value",
    [{"B": "AAE="}, {"BS": ["AAE=", "Ag=="]}, {"M": {"deep": {"L": [{"B": "AAE="}]}}}, {"L": [{"BS": ["AAE="]}]}],
)
def test_binary_values_are_bytes_at_every_depth(value: Any) -> None:
    ours, theirs = _both_ways(_page({**_ITEM, "blob": value}))
    assert ours == theirs
    assert b"\x00\x01" in repr(ours["Items"][0]["blob"]).encode("latin-1").decode("unicode_escape").encode("latin-1")


@pytest.mark.parametrize("name", [r"\u0042", r"B\u0053", r"\u0042S"])
def test_the_name_of_a_binary_type_is_found_when_it_is_escaped(name: str) -> None:
    value = '["AAE="]' if name.endswith(("S", "53")) else '"AAE="'
    ours, theirs = _both_ways(f'{{"Items":[{{"blob":{{"{name}":{value}}}}}],"Count":1}}'.encode())
    assert ours == theirs
    assert ours["Items"][0]["blob"] in ({"B": b"\x00\x01"}, {"BS": [b"\x00\x01"]})


def test_an_attribute_that_is_called_like_a_binary_type_is_no_binary_value() -> None:
    ours, theirs = _both_ways(_page({"B": {"S": "AAE="}, "PK": {"S": "1"}}))
    assert ours == theirs
    assert ours["Items"] == [{"B": {"S": "AAE="}, "PK": {"S": "1"}}]


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "BatchWriteItem", "PutItem"])
def test_every_answer_with_items_is_taken_alike(operation: str) -> None:
    requests = [{"PutRequest": {"Item": _ITEM}}, {"DeleteRequest": {"Key": {"PK": {"S": "1"}}}}]
    body = {
        "Item": _ITEM,
        "Attributes": _ITEM,
        "Responses": {"t": [_ITEM]},
        "UnprocessedKeys": {"t": {"Keys": [{"PK": {"S": "1"}}]}},
        "UnprocessedItems": {"t": requests},
        "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 1.5},
    }
    if operation.startswith("Batch"):
        body["ConsumedCapacity"] = [body["ConsumedCapacity"]]
    ours, theirs = _both_ways(json.dumps(body).encode(), operation)
    assert ours == theirs


def test_a_refused_condition_carries_the_item_that_was_there() -> None:
    error = {"__type": "com.amazonaws#ConditionalCheckFailedException", "message": "no", "Item": _ITEM}
    answer = {"body": json.dumps(error).encode(), "headers": {}, "status_code": 400}
    shape = _output("PutItem")
    assert ItemParser().parse(answer, shape)["Error"] == JSONParser().parse(answer, shape)["Error"]


@pytest.mark.parametrize("body", [b"", b"no JSON at all"])
def test_what_is_no_json_is_an_error_as_ever(body: bytes) -> None:
    answer = {"body": body, "headers": {}, "status_code": 400}
    shape = _output("Query")
    assert ItemParser().parse(answer, shape) == JSONParser().parse(answer, shape)


def test_times_know_their_zone() -> None:
    body = json.dumps({"Table": {"TableName": "t", "CreationDateTime": 1700000000.5}}).encode()
    ours, theirs = _both_ways(body, "DescribeTable")
    assert ours["Table"]["CreationDateTime"] == datetime(2023, 11, 14, 22, 13, 20, 500000, UTC)
    assert ours == theirs


def test_a_request_says_what_the_items_say() -> None:
    item = {**_ITEM, "blob": {"B": b"\x00\x01"}, "half": {"S": "\ud800"}}
    sent = json.loads(encoded({"RequestItems": {"t": [{"PutRequest": {"Item": item}}]}}))
    wanted = {**item, "blob": {"B": base64.b64encode(b"\x00\x01").decode()}}
    assert sent["RequestItems"]["t"][0]["PutRequest"]["Item"] == wanted


def test_a_value_without_a_type_is_not_sent() -> None:
    with pytest.raises(TypeError, match="no attribute type for object"):
        encoded({"Item": {"x": {"S": object()}}})


@pytest.mark.parametrize(
    ("operation", "asked"),
    [
        ("PutItem", {"TableName": "t", "Item": _ITEM, "ConditionExpression": "attribute_not_exists(PK)"}),
        ("BatchWriteItem", {"RequestItems": {"t": [{"PutRequest": {"Item": _ITEM}}]}}),
    ],
)
def test_a_write_is_sent_with_the_same_words_as_by_the_sdk(operation: str, asked: dict[str, Any]) -> None:
    sent = [_sent(operation, asked, ours=ours) for ours in (True, False)]
    assert sent[0] == sent[1]
    assert "S" in json.dumps(sent[0])


def _sent(operation: str, asked: dict[str, Any], *, ours: bool) -> Any:
    """The body of a request that no server gets."""
    keys: dict[str, Any] = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    config = Config(parameter_validation=False)
    client = Session().create_client("dynamodb", "us-east-1", config=config, **keys)
    bodies: list[bytes] = []

    def keep(request: Any, **_: Any) -> AWSResponse:
        bodies.append(request.body)
        return AWSResponse(request.url, 200, {}, _Answer(b"{}"))

    client.meta.events.register("before-send.dynamodb", keep)
    if ours:
        send_items_as_held(client)
    getattr(client, xform_name(operation))(**asked)
    client.close()
    return json.loads(bodies[0])


class _Answer(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()
