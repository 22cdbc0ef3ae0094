"""The shadow of a full backfill: a schema of its own in which everything is derived again, beside the live tables.

It holds what the staging tables hold. Live rows are not touched until it is published as a whole; then it is dropped.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backfill_pipelines.coffee.staged_files import TABLES, renumbered
from backfill_pipelines.coffee.staging import Chunk
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, execute, execute_script

PACKAGE = "backfill_pipelines.coffee"
_LINES_AT_ONCE = 2_000


@dataclass
class Shadow:
    """A schema ``shadow_<run>``; ``captures`` and ``products`` count what is in it."""

    schema: str
    captures: int = 0
    products: int = 0

    def add(self, connection: Connection, chunk: Chunk) -> None:
        """Copy a chunk in, its numbers going on from what is there."""
        moved = renumbered(chunk, self.captures, self.products)
        for table in TABLES:
            lines: list[str] = getattr(moved, table)
            target = f"COPY {self.schema}.staged_{table} FROM STDIN"
            with connection.cursor() as cursor, cursor.copy(target.encode()) as copy:
                for start in range(0, len(lines), _LINES_AT_ONCE):
                    copy.write("".join(lines[start : start + _LINES_AT_ONCE]))
        self.captures += len(chunk.captures)
        self.products += len(chunk.products)

    def read(self, connection: Connection) -> Chunk:
        """All of it as one chunk, ready to be staged; memory is that of its lines."""
        chunk = Chunk()
        for table in TABLES:
            source = f"COPY {self.schema}.staged_{table} TO STDOUT"
            with connection.cursor() as cursor, cursor.copy(source.encode()) as copy:
                getattr(chunk, table).extend(_lines(bytes(block) for block in copy))
        found = execute(connection, f"SELECT DISTINCT partition FROM {self.schema}.staged_captures ORDER BY 1")
        chunk.partitions = [row[0] for row in found.fetchall()]
        return chunk

    def create(self, connection: Connection) -> None:
        """Make the schema, anew when an interrupted backfill has left one."""
        self.drop(connection)
        tables = sql.load(PACKAGE, "staging/tables")
        tables = tables.replace("CREATE TEMPORARY TABLE ", f"CREATE UNLOGGED TABLE {self.schema}.")
        execute_script(connection, f"CREATE SCHEMA {self.schema};\n{tables.replace(' ON COMMIT DROP', '')}")

    def drop(self, connection: Connection) -> None:
        """Remove it."""
        execute(connection, f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")


@contextmanager
def open_shadow(connection: Connection, run_id: uuid.UUID) -> Iterator[Shadow]:
    """A shadow for the block; dropped at its end, however that comes. The connection commits by itself."""
    shadow = Shadow(f"shadow_{run_id.hex}")
    shadow.create(connection)
    try:
        yield shadow
    finally:
        shadow.drop(connection)


def _lines(blocks: Iterator[bytes]) -> Iterator[str]:
    """Lines of COPY text, whatever the blocks that they come in."""
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from (f"{line.decode()}\n" for line in lines)
    if rest:
        yield rest.decode()
