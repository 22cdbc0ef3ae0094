"""A feed's files of a range of dates -> one Arrow table, and everything that was set aside on the way.

The best capture of an entity that parses counts. A worse one is used when the best does not parse, and that is said.
One bad file never keeps another from loading.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import orjson
import pyarrow as pa

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.feeds.captures import Capture, Feed, captures
from backfill_pipelines.nba.feeds.parsed import BadFileError, Parsed, RejectedRow
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.warehouse import arrow_schema

Parser = Callable[[Capture, Any], Parsed]


@dataclass(frozen=True)
class SetAsideFile:
    """A file, or one game's part of it, that was not loaded."""

    capture: Capture
    code: str
    detail: str
    nba_game_id: str | None


@dataclass
class Loaded:
    """What the files of a range gave."""

    table: pa.Table
    files_read: int = 0
    #: Entities of which a capture parsed.
    entities: set[str] = field(default_factory=set)
    rejected: list[tuple[Capture, RejectedRow]] = field(default_factory=list)
    set_aside: list[SetAsideFile] = field(default_factory=list)
    warnings: dict[date, list[str]] = field(default_factory=dict)
    #: Days about which no file said anything although one had to.
    lost_days: dict[date, str] = field(default_factory=dict)

    def warn(self, day: date | None, text: str, days: Iterable[date]) -> None:
        """Note something odd for its day, or for all days when the file is about many."""
        for each in [day] if day else days:
            self.warnings.setdefault(each, []).append(text)


def load(feed: Feed, contract: TableContract, store: ObjectStore, days: Sequence[date], parse: Parser) -> Loaded:
    """Read and parse the captures of the days; rows of other days (a season file has them) are left out."""
    versions, tables = captures(feed, store, days), list[pa.Table]()
    wanted, schema, column = set(days), arrow_schema(contract), contract.partition_column
    loaded = Loaded(schema.empty_table())
    best = {found[0].object_key: found for found in versions.values()}
    for key, content in store.read(list(best)):
        found = _first_that_parses(best[key], content, feed, store, parse, schema, loaded, days)
        loaded.files_read += 1
        if found is None:
            continue
        capture, parsed, table = found
        loaded.entities.add(capture.entity)
        tables.append(table.filter(pa.array([row[column] in wanted for row in parsed.rows], pa.bool_())))
        _keep_aside(loaded, capture, parsed, wanted, days)
    loaded.table = pa.concat_tables(tables) if tables else loaded.table
    return loaded


def newest_of_each(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The rows of the newest file where several files have rows of the same values in ``columns``.

    For files that say the same without being captures of one entity by their names.
    """
    if not columns:
        return table
    of_files = table.group_by([*columns, "source_file_path"], use_threads=False).aggregate([])
    if of_files.num_rows == table.group_by(list(columns), use_threads=False).aggregate([]).num_rows:
        return table
    keys = list(zip(*(table[column].to_pylist() for column in columns), strict=True))
    files = list(zip(table["capture_ts"].to_pylist(), table["source_file_path"].to_pylist(), strict=True))
    newest: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for key, file in zip(keys, files, strict=True):
        newest[key] = max(file, newest.get(key, file))
    return table.filter(pa.array([newest[key] == file for key, file in zip(keys, files, strict=True)], pa.bool_()))


def _first_that_parses(
    versions: Sequence[Capture],
    newest_content: bytes,
    feed: Feed,
    store: ObjectStore,
    parse: Parser,
    schema: pa.Schema,
    loaded: Loaded,
    days: Sequence[date],
) -> tuple[Capture, Parsed, pa.Table] | None:
    """The best capture that parses; every better one that does not is set aside."""
    for position, capture in enumerate(versions):
        content = newest_content if position == 0 else dict(store.read([capture.object_key]))[capture.object_key]
        try:
            parsed = parse(capture, _document(feed, content))
            table = _table(capture, parsed, schema)
        except BadFileError as error:
            loaded.set_aside.append(SetAsideFile(capture, error.code, error.detail, capture.nba_game_id))
            loaded.warn(capture.day, f"{error.code}: {capture.object_key}", days)
            continue
        if position:
            loaded.warn(capture.day, f"newer_capture_corrupt: {versions[0].object_key}", days)
        return capture, parsed, table
    return None


def _document(feed: Feed, content: bytes) -> Any:
    if not content.strip():
        raise BadFileError("empty_file", "zero bytes; capture it again")
    if feed.suffix != ".json":
        return content
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadFileError("corrupt_file", f"no JSON: {error}; capture it again") from error


def checked(parse: Parser) -> Parser:
    """A parser whose surprises about the shape of a document become ``unknown_shape`` of that file alone."""

    def parse_checked(capture: Capture, document: Any) -> Parsed:
        try:
            return parse(capture, document)
        except BadFileError:
            raise
        except KeyError as error:
            raise BadFileError("unknown_shape", f"the field {error} is missing") from error
        except (TypeError, ValueError, AttributeError, IndexError, pa.ArrowException) as error:
            raise BadFileError("unknown_shape", f"{type(error).__name__}: {error}") from error

    return parse_checked


def _table(capture: Capture, parsed: Parsed, schema: pa.Schema) -> pa.Table:
    """The rows of a file in the types of the table.

    Raises:
        BadFileError: ``unknown_shape``, a value is of another type than its column.
    """
    stamp = {"source_file_path": capture.object_key, "capture_ts": capture.taken_at}
    try:
        return pa.Table.from_pylist([row | stamp for row in parsed.rows], schema)
    except (pa.ArrowException, OverflowError) as error:
        raise BadFileError("unknown_shape", f"a value of another type: {error}") from error


def _keep_aside(loaded: Loaded, capture: Capture, parsed: Parsed, wanted: set[date], days: Sequence[date]) -> None:
    loaded.rejected += [(capture, row) for row in parsed.rejected if row.day in wanted]
    for game, code, detail in parsed.bad_games:
        loaded.set_aside.append(SetAsideFile(capture, code, detail, game))
        loaded.warn(capture.day, f"{code}: {game} in {capture.object_key}", days)
    if parsed.drift:
        loaded.warn(capture.day, f"schema_drift: {', '.join(sorted(parsed.drift))} in {capture.object_key}", days)
    for note in parsed.notes:
        loaded.warn(capture.day, note, days)
