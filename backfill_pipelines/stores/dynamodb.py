"""The item store on DynamoDB, through boto3's low-level client.

Two clients: reads are tried again by the SDK; writes, and batches of both kinds, are sent once, so that whoever
paces them sees every throttle. Every call asks for consumed capacity by index. A table's structure, its backups and
the pacing of writes are in the neighbouring modules; what the items mean is in the domains.
"""

import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backfill_pipelines.stores.dynamodb_batches import (
    KEYS_PER_CALL,
    MOST_ROUNDS,
    WRITES_PER_CALL,
    Jitter,
    chunks,
    distinct,
    until_processed,
)
from backfill_pipelines.stores.item_errors import InvalidRequest, NotAllProcessed, about_key, translated
from backfill_pipelines.stores.items import (
    SCAN_SEGMENTS,
    BatchRead,
    BatchWritten,
    Consumed,
    Expression,
    Item,
    Key,
    Page,
    Query,
    total,
)

_BARE_WORD = re.compile(r"(?<![#:\w])\w+")


class DynamoItemStore:
    """One table; safe to use from many threads."""

    def __init__(
        self,
        table: str,
        reads: Any,
        writes: Any,
        *,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self.table = table
        self._reads = reads
        self._once = writes
        self._jitter = Jitter(sleep, uniform)
        self._schema_lock = threading.Lock()
        self._schemas: dict[str | None, tuple[str, ...]] | None = None

    def get(self, key: Key) -> Item | None:
        """The item by a strongly consistent read; None only when there is none."""
        answer = self._call(
            self._reads.get_item, "GetItem", about_key(key), Key=key, ConsistentRead=True, TableName=self.table
        )
        return answer.get("Item")

    def put(self, item: Item, when: Expression | None = None) -> Consumed:
        """Write one item if the stored one is as ``when`` says."""
        return self._write(self._once.put_item, "PutItem", about_key(item), when, Item=item)

    def delete(self, key: Key, when: Expression | None = None) -> Consumed:
        """Delete one item if the stored one is as ``when`` says."""
        return self._write(self._once.delete_item, "DeleteItem", about_key(key), when, Key=key)

    def scan(
        self,
        *,
        where: Expression | None = None,
        attributes: Sequence[str] | None = None,
        segments: int = SCAN_SEGMENTS,
        page_size: int | None = None,
    ) -> Iterator[Page]:
        """Every item by strongly consistent reads; each segment has one page in flight."""
        options = _filtered(where, attributes) | {"ConsistentRead": True, "TotalSegments": segments}
        options |= {"Limit": page_size} if page_size else {}

        def fetch(segment: int, start: Key | None) -> Page:
            begin = {"ExclusiveStartKey": start} if start else {}
            return self._page(
                "Scan", f"segment {segment} of {segments}", segment, options | begin | {"Segment": segment}
            )

        pool = ThreadPoolExecutor(segments, "scan")
        running: set[Future[Page]] = {pool.submit(fetch, segment, None) for segment in range(segments)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                pages = [future.result() for future in done]
                running |= {pool.submit(fetch, page.segment, page.next_key) for page in pages if page.next_key}
                yield from pages
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def query(self, query: Query) -> Iterator[Page]:
        """The pages of a query."""
        return self._pages(query, self._query_options(query))

    def count(self, query: Query) -> int:
        """How many items the query finds, over all pages."""
        counting = self._query_options(replace(query, attributes=None)) | {"Select": "COUNT"}
        return sum(page.count for page in self._pages(query, counting))

    def batch_get(self, keys: Iterable[Key]) -> BatchRead:
        """Many items by strongly consistent reads; a key may be named twice and is read once."""
        items: list[Item] = []
        consumed: list[Consumed] = []

        def call(rest: list[Any]) -> list[Any]:
            asked = {self.table: {"Keys": rest, "ConsistentRead": True}}
            answer = self._call(self._once.batch_get_item, "BatchGetItem", f"{len(rest)} keys", RequestItems=asked)
            items.extend(answer.get("Responses", {}).get(self.table, []))
            consumed.append(_consumed(answer))
            return answer.get("UnprocessedKeys", {}).get(self.table, {}).get("Keys", [])

        self._batches("BatchGetItem", list(chunks(distinct(keys), KEYS_PER_CALL)), call, lambda key: key)
        return BatchRead(tuple(items), total(consumed))

    def batch_write(self, puts: Sequence[Item] = (), deletes: Sequence[Key] = ()) -> BatchWritten:
        """Many unconditional writes; two of one key are refused, since their order would be left to chance."""
        requests = [{"PutRequest": {"Item": item}} for item in puts]
        requests += [{"DeleteRequest": {"Key": key}} for key in deletes]
        self._require_distinct(requests)
        consumed: list[Consumed] = []

        def call(rest: list[Any]) -> list[Any]:
            about = f"{len(rest)} items from {about_key(_key_of(rest[0]))}"
            answer = self._call(self._once.batch_write_item, "BatchWriteItem", about, RequestItems={self.table: rest})
            consumed.append(_consumed(answer))
            return answer.get("UnprocessedItems", {}).get(self.table, [])

        throttles = self._batches("BatchWriteItem", list(chunks(requests, WRITES_PER_CALL)), call, _key_of)
        return BatchWritten(total(consumed), throttles)

    def _batches(
        self,
        operation: str,
        parts: list[list[Any]],
        call: Callable[[list[Any]], list[Any]],
        key_of: Callable[[Any], Mapping[str, Any]],
    ) -> int:
        """Chunk after chunk; one that stays refused ends the work, and the rest is named."""
        throttles = 0
        for number, part in enumerate(parts):
            rounds = until_processed(part, call, self._jitter)
            throttles += rounds.throttles
            if rounds.rest:
                rest = [key_of(request) for later in (rounds.rest, *parts[number + 1 :]) for request in later]
                raise NotAllProcessed(self.table, operation, rest, MOST_ROUNDS) from rounds.error
        return throttles

    def _require_distinct(self, requests: Sequence[Mapping[str, Any]]) -> None:
        names, seen = self._keys_of(None), set[Any]()
        for request in requests:
            item = _key_of(request)
            key = tuple(next(iter(item[name].items())) for name in names if name in item)
            if key in seen:
                raise InvalidRequest(self.table, "BatchWriteItem", about_key(_key_of(request)), "key is there twice")
            seen.add(key)

    def _write(
        self, method: Callable[..., Any], operation: str, about: str, when: Expression | None, **what: Any
    ) -> Consumed:
        condition: dict[str, Any] = {}
        if when is not None:
            condition = {"ConditionExpression": when.text, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            condition |= _placeholders(when.names, when.values)
        return _consumed(self._call(method, operation, about, TableName=self.table, **what, **condition))

    def _page(self, operation: str, about: str, segment: int, options: Mapping[str, Any]) -> Page:
        method = self._reads.scan if operation == "Scan" else self._reads.query
        answer = self._call(method, operation, about, TableName=self.table, **options)
        return Page(
            tuple(answer.get("Items", ())),
            answer["Count"],
            answer["ScannedCount"],
            answer.get("LastEvaluatedKey") or None,
            _consumed(answer),
            segment,
        )

    def _pages(self, query: Query, options: Mapping[str, Any]) -> Iterator[Page]:
        start = query.start
        while True:
            begin = {"ExclusiveStartKey": start} if start else {}
            page = self._page("Query", _about(query), 0, {**options, **begin})
            yield page
            start = page.next_key
            if start is None:
                return

    def _query_options(self, query: Query) -> dict[str, Any]:
        attribute, value = query.partition
        self._require_free_of_keys(query)
        text, names, values = "#ownHash = :ownHash", {"#ownHash": attribute}, {":ownHash": {"S": value}}
        if query.sort_key is not None:
            text += " AND begins_with(#ownSort, :ownSort)"
            names["#ownSort"] = query.sort_key
            values[":ownSort"] = {"S": query.begins_with or ""}
        options = _filtered(query.where, query.attributes)
        names |= options.pop("ExpressionAttributeNames", {})
        values |= options.pop("ExpressionAttributeValues", {})
        options |= {"KeyConditionExpression": text, "ScanIndexForward": query.forward, **_placeholders(names, values)}
        options |= {"IndexName": query.index} if query.index else {"ConsistentRead": True}
        return options | ({"Limit": query.page_size} if query.page_size else {})

    def _require_free_of_keys(self, query: Query) -> None:
        """DynamoDB refuses a filter on the keys of what is queried; the local servers take it."""
        where = query.where
        words = {*where.names.values(), *_BARE_WORD.findall(where.text)} if where else set()
        named = words & set(self._keys_of(query.index)) if words else words
        if named:
            text = f"a filter of a query may not name its keys ({', '.join(sorted(named))})"
            raise InvalidRequest(self.table, "Query", _about(query), text)

    def _keys_of(self, index: str | None) -> tuple[str, ...]:
        """Key attributes of the table or an index, read once."""
        with self._schema_lock:
            if self._schemas is None:
                about = self._call(self._reads.describe_table, "DescribeTable", "", TableName=self.table)["Table"]
                indexes = about.get("GlobalSecondaryIndexes", []) + about.get("LocalSecondaryIndexes", [])
                self._schemas = {found["IndexName"]: _names(found) for found in indexes} | {None: _names(about)}
            return self._schemas.get(index, ())

    def _call(self, method: Callable[..., Any], operation: str, about: str, **arguments: Any) -> Any:
        metered = {} if operation == "DescribeTable" else {"ReturnConsumedCapacity": "INDEXES"}
        try:
            return method(**arguments, **metered)
        except (ClientError, BotoCoreError) as error:
            raise translated(error, self.table, operation, about) from error


def _names(described: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(part["AttributeName"] for part in described["KeySchema"])


def _key_of(request: Mapping[str, Any]) -> Mapping[str, Any]:
    return request["PutRequest"]["Item"] if "PutRequest" in request else request["DeleteRequest"]["Key"]


def _about(query: Query) -> str:
    return f"{query.index or 'table'} {query.partition[1]}"


def _placeholders(names: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Empty maps are refused by the service."""
    found: dict[str, Any] = {"ExpressionAttributeNames": dict(names)} if names else {}
    return found | ({"ExpressionAttributeValues": dict(values)} if values else {})


def _filtered(where: Expression | None, attributes: Sequence[str] | None) -> dict[str, Any]:
    names = {f"#own{number}": name for number, name in enumerate(attributes or ())}
    options: dict[str, Any] = {"ProjectionExpression": ", ".join(names)} if names else {}
    values: Mapping[str, Any] = {}
    if where is not None:
        options["FilterExpression"] = where.text
        names, values = names | dict(where.names), where.values
    return options | _placeholders(names, values)


def _consumed(answer: Mapping[str, Any]) -> Consumed:
    """Units of a call; batches answer with a list, some servers with the total only."""
    found = answer.get("ConsumedCapacity") or []
    return total(_units(part) for part in (found if isinstance(found, list) else [found]))


def _units(capacity: Mapping[str, Any]) -> Consumed:
    both = {**capacity.get("GlobalSecondaryIndexes", {}), **capacity.get("LocalSecondaryIndexes", {})}
    indexes = {name: float(units["CapacityUnits"]) for name, units in both.items()}
    table = capacity.get("Table", {}).get("CapacityUnits", capacity.get("CapacityUnits", 0.0) - sum(indexes.values()))
    return Consumed(float(table), indexes)
