"""A feed's files of a range of dates -> one Arrow table, and everything that was set aside on the way.

The best capture of an entity that parses counts. A worse one is used when the best does not parse, and that is said.
One bad file never keeps another from loading.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice, repeat
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.feeds.captures import Capture, Feed, captures
from backfill_pipelines.nba.feeds.parsed import BadFileError, Parsed, RejectedRow
from backfill_pipelines.stores.objects import READ_BATCH, ObjectStore
from backfill_pipelines.stores.warehouse import arrow_schema

Parser = Callable[[Capture, Any], Parsed]
#: Rows of many files at once; None when one of them is not plain and all are to be parsed one by one.
BatchParser = Callable[[Sequence[tuple[Capture, bytes]], pa.Schema], pa.Table | None]

#: One file that is not plain makes as many be parsed one by one.
_PARSED_TOGETHER = 50
_OTHER_SHAPE = "compare it with a good file of the feed, or capture it again"


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


def load(
    feed: Feed,
    contract: TableContract,
    store: ObjectStore,
    days: Sequence[date],
    parse: Parser,
    parse_together: BatchParser | None = None,
) -> Loaded:
    """Read and parse the captures of the days; rows of other days (a season file has them) are left out."""
    return _Loading(feed, contract, store, days, parse, parse_together).run()


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


@dataclass
class _Attempt:
    """One capture and what became of it: what it gives, or why it cannot be used."""

    capture: Capture
    parsed: Parsed
    error: BadFileError | None = None


class _Loading:
    """One load. Rows become columns for a batch of files at a time: done for each file, that took a third of a load."""

    def __init__(
        self,
        feed: Feed,
        contract: TableContract,
        store: ObjectStore,
        days: Sequence[date],
        parse: Parser,
        parse_together: BatchParser | None,
    ) -> None:
        self._feed = feed
        self._store = store
        self._days = days
        self._parse = parse
        self._parse_together = parse_together
        self._batch = _PARSED_TOGETHER if parse_together else READ_BATCH
        self._column = contract.partition_column
        self._schema = arrow_schema(contract)
        self._tables = [self._schema.empty_table()]
        self._loaded = Loaded(self._tables[0])

    def run(self) -> Loaded:
        versions = captures(self._feed, self._store, self._days)
        best = {found[0].object_key: found for found in versions.values()}
        contents, wanted = self._store.read_or_say(list(best)), set(self._days)
        while batch := list(islice(contents, self._batch)):
            for attempt in self._newest([(best[key][0], content) for key, content in batch]):
                used = self._first_that_parses(attempt, best[attempt.capture.object_key])
                self._loaded.files_read += 1
                if used is not None:
                    self._loaded.entities.add(used.capture.entity)
                    _keep_aside(self._loaded, used.capture, used.parsed, wanted, self._days)
        self._loaded.table = pa.concat_tables(self._tables)
        if not wanted.issuperset(self._loaded.table[self._column].unique().to_pylist()):
            self._loaded.table = self._loaded.table.filter(pc.field(self._column).isin(self._days))
        return self._loaded

    def _newest(self, files: Sequence[tuple[Capture, bytes | OSError]]) -> list[_Attempt]:
        """The newest captures of a batch, their rows added."""
        read = [(capture, content) for capture, content in files if isinstance(content, bytes)]
        is_whole = len(read) == len(files)
        together = self._parse_together(read, self._schema) if self._parse_together and is_whole else None
        if together is not None:
            self._tables.append(together)
            return [_Attempt(capture, Parsed()) for capture, _ in files]
        newest = [self._attempt(capture, content) for capture, content in files]
        self._tables.append(_convert(newest, self._schema))
        return newest

    def _first_that_parses(self, newest: _Attempt, versions: Sequence[Capture]) -> _Attempt | None:
        """The best capture that parses; every better one that does not is set aside."""
        for position, capture in enumerate(versions):
            attempt = newest if position == 0 else self._again(capture)
            if attempt.error is None:
                if position:
                    self._loaded.warn(capture.day, f"newer_capture_corrupt: {versions[0].object_key}", self._days)
                return attempt
            code, detail = attempt.error.code, attempt.error.detail
            self._loaded.set_aside.append(SetAsideFile(capture, code, detail, capture.nba_game_id))
            self._loaded.warn(capture.day, f"{code}: {capture.object_key}", self._days)
        return None

    def _again(self, capture: Capture) -> _Attempt:
        """An older capture, read and added by itself."""
        ((_, content),) = self._store.read_or_say([capture.object_key])
        attempt = self._attempt(capture, content)
        self._tables.append(_convert([attempt], self._schema))
        return attempt

    def _attempt(self, capture: Capture, content: bytes | OSError) -> _Attempt:
        try:
            return _Attempt(capture, self._parse(capture, _document(self._feed, content)))
        except BadFileError as error:
            return _Attempt(capture, Parsed(), error)


def _document(feed: Feed, content: bytes | OSError) -> Any:
    if isinstance(content, OSError):
        why = content.strerror or type(content).__name__
        raise BadFileError("corrupt_file", f"cannot be read: {why}; mend its rights, or capture it again")
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
            raise BadFileError("unknown_shape", f"the field {error} is missing; {_OTHER_SHAPE}") from error
        except (TypeError, ValueError, AttributeError, IndexError, pa.ArrowException) as error:
            raise BadFileError("unknown_shape", f"{type(error).__name__}: {error}; {_OTHER_SHAPE}") from error

    return parse_checked


def _convert(attempts: Sequence[_Attempt], schema: pa.Schema) -> pa.Table:
    """The rows in the types of the table; a file with a value of another type becomes ``unknown_shape``."""
    try:
        return _table(attempts, schema)
    except (pa.ArrowException, OverflowError) as error:
        if len(attempts) > 1:
            return pa.concat_tables([_convert([attempt], schema) for attempt in attempts])
        attempts[0].error = BadFileError("unknown_shape", f"a value of another type: {error}; {_OTHER_SHAPE}")
        return schema.empty_table()


def _table(attempts: Sequence[_Attempt], schema: pa.Schema) -> pa.Table:
    columns: dict[str, list[Any]] = {name: [] for name in schema.names}
    for attempt in attempts:
        capture, parsed = attempt.capture, attempt.parsed
        stamp = {"source_file_path": capture.object_key, "capture_ts": capture.taken_at}
        for name, found in columns.items():
            found.extend(repeat(stamp[name], parsed.size) if name in stamp else parsed.column(name))
    return pa.Table.from_pydict(columns, schema)


def _keep_aside(loaded: Loaded, capture: Capture, parsed: Parsed, wanted: set[date], days: Sequence[date]) -> None:
    loaded.rejected += [(capture, row) for row in parsed.rejected if row.day in wanted]
    for game, code, detail in parsed.bad_games:
        loaded.set_aside.append(SetAsideFile(capture, code, detail, game))
        loaded.warn(capture.day, f"{code}: {game} in {capture.object_key}", days)
    if parsed.drift:
        loaded.warn(capture.day, f"schema_drift: {', '.join(sorted(parsed.drift))} in {capture.object_key}", days)
    for note in parsed.notes:
        loaded.warn(capture.day, note, days)
