"""A table to try things out on: plain metadata rows of a file, as the old system would have stored them.

For local servers only; who calls this has made sure of that. A file has a table of its own, named by its content.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.receipts.inventory import RECEIPT_TYPE
from backfill_pipelines.receipts.items import typed
from backfill_pipelines.receipts.metadata import SK_SUFFIX, TEXTS, TYPE, Metadata
from backfill_pipelines.stores.dynamodb_tables import Keys, TableSpec
from backfill_pipelines.stores.items import Item

#: The table that the receipts live in.
SPEC = TableSpec(
    Keys("PK", "SK"),
    {**{f"GSI{n}": Keys(f"GSI{n}PK", f"GSI{n}SK") for n in (1, 2, 3, 4)}, "GSITYPE": Keys("TYPE")},
    stream_view="NEW_AND_OLD_IMAGES",
)


class SeedError(BackfillError):
    """The file cannot be loaded."""


def seed_items(file: Path) -> tuple[str, list[Item]]:
    """The name of the file's table, and its rows: each metadata row with the RECEIPT it belongs to.

    Raises:
        SeedError: the file cannot be read, or a line is no metadata row.
    """
    content, lines = _lines(file)
    if not lines:
        raise SeedError(f"{file} has no rows. Repair: name a file with one metadata row a line, as JSON")
    found = {(item["PK"]["S"], item["SK"]["S"]): item for at in lines for item in _items(_row(file, *at))}
    return f"try-out-{sha256(content).hexdigest()[:12]}", list(found.values())


def read_bodies(file: Path) -> list[Mapping[str, Any]]:
    """Bodies of places, one a line.

    Raises:
        SeedError: the file cannot be read, or a line is no JSON object.
    """
    return [_object(file, number, line) for number, line in _lines(file)[1]]


def _lines(file: Path) -> tuple[bytes, list[tuple[int, str]]]:
    """The content of a file, and its lines with their numbers, without blank ones."""
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SeedError(f"{file} cannot be read: {error}. Repair: name a file of JSON lines") from error
    return content, [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]


def _object(file: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise SeedError(f"{file}, line {number} is no JSON: {error}. Repair: one JSON object a line") from error
    if not isinstance(found, dict):
        raise SeedError(f"{file}, line {number} is no object. Repair: one JSON object a line")
    return found


def _row(file: Path, number: int, line: str) -> Mapping[str, Any]:
    row = _object(file, number, line)
    if not isinstance(row.get("image_id"), str) or type(row.get("receipt_id")) is not int:
        raise SeedError(f"{file}, line {number}: Repair: a row needs image_id, a text, and receipt_id, a whole number")
    return row


def _items(row: Mapping[str, Any]) -> Iterator[Item]:
    """Empty texts as NULL, words as a set, a set without words not at all."""
    pk, receipt = f"IMAGE#{row['image_id']}", f"RECEIPT#{row['receipt_id']:05d}"
    yield {"PK": typed(pk), "SK": typed(receipt), "TYPE": typed(RECEIPT_TYPE)}
    words = row.get("matched_fields") or []
    yield {
        "PK": typed(pk),
        "SK": typed(f"{receipt}{SK_SUFFIX}"),
        "TYPE": typed(TYPE),
        **{name: typed(row.get(name) or None) for name in TEXTS},
        **({"matched_fields": typed(set(words) if isinstance(words, list) else words)} if words else {}),
    }


def place_bodies(
    rows: Iterable[Metadata], bodies: Sequence[Mapping[str, Any]], *, echoes: bool
) -> dict[str, Mapping[str, Any]]:
    """What a stand-in answers for the place ids of eligible rows, in the order of all work.

    The k-th id to appear gets the k-th body under its own id.

    Args:
        rows: Eligible metadata rows.
        bodies: Bodies of real places, at least as many as there are ids.
        echoes: Answer with the name and the address of the first row of each id: places that agree with receipts.

    Raises:
        SeedError: there are fewer bodies than ids.
    """
    firsts: dict[str, Metadata] = {}
    for row in rows:
        firsts.setdefault(row.place_id, row)
    if len(firsts) > len(bodies):
        raise SeedError(f"{len(firsts)} place ids and {len(bodies)} bodies. Repair: name a file with more bodies")
    found: dict[str, Mapping[str, Any]] = {}
    for (place_id, row), body in zip(firsts.items(), bodies, strict=False):
        name = {"displayName": {**body.get("displayName", {}), "text": row.merchant_name}}
        echo = {**name, "formattedAddress": row.address} if echoes else {}
        found[place_id] = {**body, **echo, "id": place_id, "name": f"places/{place_id}"}
    return found
