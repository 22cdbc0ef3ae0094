"""The public sample rows and answers beside the project, as a table and an API would give them.

Answer k belongs to the k-th distinct place id of the eligible rows; ``echo`` also lets it say what the first row with
that id says. RECEIPT rows exist for every metadata row.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.items import typed
from backfill_pipelines.receipts.keys import Malformed
from backfill_pipelines.receipts.metadata import TEXTS, Eligibility, Metadata, eligibility, read_metadata
from backfill_pipelines.receipts.place_building import Built, build
from backfill_pipelines_tests.receipts.builders import mark_for

DATA = Path(__file__).parents[3] / "shared" / "data" / "receipts"
needs_real_rows = pytest.mark.skipif(not DATA.is_dir(), reason=f"no sample rows in {DATA}")

#: Google knows no such id, and says so by its name.
CORRUPT_ID = "ChIJW__ceXS4toW__ceXS4t4kRF4oEJPDO31o"


@dataclass(frozen=True)
class Sample:
    """Rows as read, and the answer of each place id."""

    rows: tuple[Metadata, ...]
    plain_rows: tuple[dict[str, Any], ...]
    answers: tuple[dict[str, Any], ...]

    @property
    def eligible(self) -> list[Metadata]:
        """The rows that get a place."""
        return [row for row in self.rows if eligibility(row) is Eligibility.ELIGIBLE]

    @property
    def place_ids(self) -> list[str]:
        """Distinct ids in the order of their first row."""
        return list(dict.fromkeys(row.place_id for row in self.eligible))

    def answer(self, place_id: str, mode: str) -> dict[str, Any]:
        """What the API says of an id."""
        body = {**self.answers[self.place_ids.index(place_id)], "id": place_id}
        if mode == "plain":
            return body
        first = next(row for row in self.plain_rows if row["place_id"] == place_id)
        name = {**body["displayName"], "text": first["merchant_name"]}
        return body | {"displayName": name, "formattedAddress": first["address"]}

    def places(self, mode: str) -> list[Built]:
        """Every place that the answers make, all but the one of the corrupt id."""
        wanted = [row for row in self.eligible if row.place_id != CORRUPT_ID]
        found = [build(row, self.answer(row.place_id, mode), mark_for(row)) for row in wanted]
        assert all(isinstance(place, Built) for place in found)
        return [place for place in found if isinstance(place, Built)]


@cache
def sample() -> Sample:
    """The sample, read once."""
    plain_rows = tuple(_lines("receipt_metadatas.jsonl"))
    rows = [read_metadata(as_item(row)) for row in plain_rows]
    readable = tuple(row for row in rows if not isinstance(row, Malformed))
    return Sample(readable, plain_rows, tuple(_lines("places_v1_details.jsonl")))


def _lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def as_item(row: dict[str, Any]) -> dict[str, Any]:
    """A plain row as the old system stores it: empty texts as NULL, words as a set, a set without words not at all."""
    item = {
        "PK": f"IMAGE#{row['image_id']}",
        "SK": f"RECEIPT#{row['receipt_id']:05d}#METADATA",
        "TYPE": "RECEIPT_METADATA",
        **{name: row[name] or None for name in TEXTS},
    }
    words = {"matched_fields": set(row["matched_fields"])} if row["matched_fields"] else {}
    return {name: dict(typed(value)) for name, value in (item | words).items()}
