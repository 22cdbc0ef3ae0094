"""Items between the SDK and the wire as they are, without its walk through every value of every attribute.

DynamoDB's JSON is the low-level form that this project holds items in, all but binary values, which JSON has as
base64. The SDK rebuilds each value to find those: nearly half of the processor time of a run that reads back what it
wrote. Here a request is encoded at once, and an answer without binary values is taken as it was decoded; one with
them, and everything that is no item, goes the SDK's way. What is asked and answered is the neighbours'.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from boto3.session import Session
from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory

#: Maps of attributes in the models of DynamoDB and of its streams.
_ATTRIBUTES = frozenset(("AttributeMap", "Key", "ItemCollectionKeyAttributeMap"))
#: A quote inside of a text is escaped: this is the name of a type, or of an attribute that is called like one.
_BINARY = re.compile(rb'"BS?"\s*:')
#: The same names as nobody writes them, but may.
_ESCAPED = (rb"\u0042", rb"\u0053")


class ItemParser(JSONParser):
    """Answers of DynamoDB and its streams; one for each answer."""

    _is_as_held = False

    def _handle_json_body(self, raw_body: bytes, shape: Any) -> Any:
        self._is_as_held = _BINARY.search(raw_body) is None and not any(text in raw_body for text in _ESCAPED)
        return super()._handle_json_body(raw_body, shape)

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        try:
            return orjson.loads(body_contents)
        except orjson.JSONDecodeError:  # empty, half of a surrogate pair, or no JSON at all
            return super()._parse_body_as_json(body_contents)

    def _parse_shape(self, shape: Any, node: Any) -> Any:
        if self._is_as_held and shape.name in _ATTRIBUTES:
            return node
        return super()._parse_shape(shape, node)

    def _handle_timestamp(self, shape: Any, value: Any) -> Any:
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        return super()._handle_timestamp(shape, value)


class ItemParserFactory(ResponseParserFactory):
    """Gives the SDK this module's parser where a service speaks JSON."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """The parser of one answer."""
        return ItemParser() if protocol_name == "json" else super().create_parser(protocol_name)


def item_session() -> Session:
    """A session whose clients, of DynamoDB or its streams, take items as they are answered."""
    session = Session()
    session._session.register_component("response_parser_factory", ItemParserFactory())  # noqa: SLF001
    return session


def send_items_as_held(client: Any) -> None:
    """Let a client of DynamoDB encode the items of a batch of writes, and the item of a put, at once."""
    # Of a batch the SDK sees the tables: it may choose where to send a request by their names.
    _register(client, "BatchWriteItem", "RequestItems", lambda requests: {table: [] for table in requests})
    _register(client, "PutItem", "Item", lambda _: {})


def _register(client: Any, operation: str, field: str, shown: Callable[[Any], Any]) -> None:
    """Keep a field of an operation from the SDK, which is shown something else, and put it into the body."""

    def set_aside(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[field] = params[field]
        params[field] = shown(params[field])

    def put_in(params: dict[str, Any], context: Mapping[str, Any], **_: Any) -> None:
        params["body"] = encoded(json.loads(params["body"]) | {field: context[field]})

    client.meta.events.register(f"before-parameter-build.dynamodb.{operation}", set_aside)
    client.meta.events.register(f"before-call.dynamodb.{operation}", put_in)


def encoded(document: Any) -> bytes:
    """JSON of a request in low-level form.

    Raises:
        TypeError: a value that DynamoDB has no type for.
    """
    try:
        return orjson.dumps(document, default=_base64)
    except TypeError:  # half of a surrogate pair, which the SDK's JSON escapes
        return json.dumps(document, default=_base64).encode()


def _base64(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"no attribute type for {type(value).__name__}")
