"""The gates of a wave over the places of the table: does every record have one, is each in order, do they agree?

Pure: rows of a scan, the manifest, the ledger in; results out. What the ledger and the source say of each other is in
``ledger_gates``, what the indexes find in ``query_gates``.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict, exact, ratio
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.manifest import Manifest, Row
from backfill_pipelines.receipts.matching import Agreement, Shown
from backfill_pipelines.receipts.metadata import Metadata
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines.receipts.place_building import compare
from backfill_pipelines.receipts.ratio_gates import judge
from backfill_pipelines.receipts.table_rows import PlaceRow, TableRows
from backfill_pipelines.receipts.wave_gates import NAME_ADDRESS, REPAIRS, THRESHOLDS, WaveScope, key_of

WITHOUT_PLACE, ORPHANS, STUBS = "metadata_without_place", "orphan_places", "stub_places"
NO_DUPLICATES, DISTRIBUTION = "no_duplicates", "geohash_distribution"
SIDE_BY_SIDE = 10
_MOST_IN_ONE_CELL, _MOST_ON_ONE_SPOT, _TOP_CELLS = 0.5, 10, 10

WORDS: Mapping[str, str] = {
    WITHOUT_PLACE: "Every eligible record of the waves so far has a place in the table, or is quarantined.",
    ORPHANS: "No place of ours is left whose receipt or metadata row is gone.",
    STUBS: "No place in the buckets of the waves so far is without its geohash cell.",
    NO_DUPLICATES: "One place for each receipt; what the API says of a place id is the same in all places of ours.",
    DISTRIBUTION: "Places are spread: no cell holds more than half while more than 10 place ids share a spot.",
}


@dataclass(frozen=True)
class Audit:
    """Everything that the gates of a wave look at."""

    scope: WaveScope
    manifest: Manifest
    rows: Sequence[Row]
    entries: Mapping[RecordKey, Entry]
    table: TableRows
    #: Runs of the plan, by when each began.
    runs: Mapping[str, str]
    #: When the first revision of the plan was made.
    started_at: datetime
    now: datetime

    @property
    def ours(self) -> list[PlaceRow]:
        """Places that carry the mark of a run of this plan."""
        return [place for place in self.table.places if place.mark and place.mark.run_id in self.runs]

    @property
    def metadata_by_key(self) -> dict[RecordKey, Metadata]:
        """Metadata rows by record."""
        return {row.key: row for row in self.table.metadata}

    @property
    def eligible(self) -> list[RecordKey]:
        """Records of the waves so far that get a place, as the manifest has them."""
        return [key_of(row) for row in self.rows if row.eligible and row.bucket in self.scope.buckets]


def metadata_without_place(audit: Audit) -> GateResult:
    """Eligible records with neither a place nor a reason for having none; the ratio of the reasons is another gate."""
    places, metadata = audit.table.place_by_key, audit.metadata_by_key
    missing: list[str] = []
    for key in audit.eligible:
        entry = audit.entries.get(key)
        is_quarantined = entry is not None and entry.outcome is Outcome.QUARANTINED
        if key in metadata and key not in places and not is_quarantined:
            missing.append(f"{key.name}: {entry.outcome if entry and entry.outcome else 'not attempted'}")
    return exact(
        WITHOUT_PLACE,
        f"{len(audit.eligible):,} eligible records",
        missing,
        "backfill receipts run --wave N --apply --fetch for records that were not attempted; a place that was removed "
        "since is written again by backfill receipts run --image-id ID --apply --fetch",
        eligible=len(audit.eligible),
    )


def orphan_places(audit: Audit) -> GateResult:
    """Places of ours whose receipt or metadata was removed while, or after, we wrote them."""
    metadata = audit.metadata_by_key
    orphans: list[str] = []
    for place in audit.ours:
        gone = [] if place.key in metadata else ["metadata"]
        if audit.manifest.requires_receipt and place.key not in audit.table.receipts:
            gone.append("receipt")
        if gone:
            orphans.append(
                f"{place.name}: {' and '.join(gone)} gone, written by {place.mark.run_id if place.mark else ''}"
            )
    repair = "remove them: backfill receipts rollback RUN --image-id ID --apply"
    return exact(ORPHANS, f"{len(audit.ours):,} places of this plan", orphans, repair)


def stub_places(audit: Audit) -> GateResult:
    """Places without a cell in the released buckets, whoever wrote them: a search by cell does not find them."""
    inside = [place for place in audit.table.places if place.key and place.key.bucket in audit.scope.buckets]
    stubs = [
        f"{place.name}: {'stub' if place.is_stub else 'no geohash'}, {place.place_id or 'no place id'}"
        for place in inside
        if not place.geohash
    ]
    repair = (
        "set BACKFILL_ENRICH_STUBS=true, make the plan anew (backfill receipts plan) and run the wave again: it fills "
        "in the stubs; the others are their writer's"
    )
    return exact(STUBS, f"{len(inside):,} places in the released buckets", stubs, repair)


def no_duplicates(audit: Audit) -> GateResult:
    """Two items of one receipt, however their keys are spelled, and answers that differ within one place id."""
    by_identity: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for place in audit.table.places:
        by_identity[place.identity].append(f"{place.pk} {place.sk}")
    twice = [f"one receipt: {' and '.join(keys)}" for keys in by_identity.values() if len(keys) > 1]
    answers: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for place in audit.ours:
        answers[place.place_id].setdefault(place.api_digest, place.name)
    differing = [f"{i}: {' and '.join(found.values())} differ" for i, found in answers.items() if len(found) > 1]
    repair = (
        "delete the item whose key is spelled wrong; for a place id that was answered twice, roll back the records "
        "of the older run and write them again from the cache"
    )
    return exact(NO_DUPLICATES, f"{len(audit.table.places):,} places", [*twice, *differing], repair)


def name_address_match(audit: Audit) -> GateResult:
    """Compare every place of ours with its receipt, in the table as it stands."""
    compared = _compared(audit)
    odd = [(place, row) for place, row, agreed in compared if agreed.is_suspicious]
    is_whole = audit.scope.is_whole and all((e := audit.entries.get(k)) and e.is_settled for k in audit.eligible)
    judged = judge(len(odd), len(compared), THRESHOLDS[NAME_ADDRESS], is_whole_population=bool(is_whole))
    named = [
        f"{place.name}: {row.merchant_name!r}, {row.address!r} is {place.merchant_name!r}, {place.formatted_address!r}"
        for place, row in odd
    ]
    classes = Counter(f"name {agreed.name}, address {agreed.address}" for _, _, agreed in compared)
    return ratio(NAME_ADDRESS, judged, named, REPAIRS[NAME_ADDRESS], classes=dict(sorted(classes.items())))


def side_by_side(audit: Audit) -> list[dict[str, str]]:
    """Ten places beside their receipts for a person to look at; the plan draws them."""
    compared = _compared(audit)
    drawn = random.Random(audit.scope.plan.plan_id).sample(compared, min(SIDE_BY_SIDE, len(compared)))
    return [
        {
            "record": place.name,
            "receipt name": row.merchant_name,
            "place name": place.merchant_name,
            "name": str(agreed.name),
            "receipt address": row.address,
            "place address": place.formatted_address,
            "address": str(agreed.address),
        }
        for place, row, agreed in drawn
    ]


def geohash_distribution(audit: Audit) -> GateResult:
    """How the places lie; many ids on one spot in one crowded cell are a default coordinate, not a city."""
    ours = [place for place in audit.ours if place.geohash]
    cells = Counter(place.geohash for place in ours)
    spots: defaultdict[tuple[Decimal | None, Decimal | None], set[str]] = defaultdict(set)
    for place in ours:
        spots[place.latitude, place.longitude].add(place.place_id)
    fullest, count = cells.most_common(1)[0] if cells else ("", 0)
    crowded = sorted(spot for spot, ids in spots.items() if len(ids) > _MOST_ON_ONE_SPOT and None not in spot)
    is_one_cell = count > _MOST_IN_ONE_CELL * len(ours)
    values: dict[str, Any] = {
        "cells": len(cells),
        "places": len(ours),
        "top_cells": dict(cells.most_common(_TOP_CELLS)),
        "most_ids_on_one_spot": max((len(ids) for ids in spots.values()), default=0),
    }
    culprits = [f"{lat}, {lng}: {len(spots[lat, lng]):,} place ids, cell {fullest}" for lat, lng in crowded]
    return GateResult(
        DISTRIBUTION,
        GateVerdict.FAIL if is_one_cell and crowded else GateVerdict.PASS,
        f"{len(ours):,} places in {len(cells):,} cells, {count:,} in the fullest ({fullest or 'none'})",
        values,
        tuple(culprits if is_one_cell else ()),
        "look at the answers of these ids: an API that answers a default location fills one cell; roll the run back",
    )


def _compared(audit: Audit) -> list[tuple[PlaceRow, Metadata, Agreement]]:
    """Our places with the rows they came from; Google's own phone clears a suspicion, the receipt's would not."""
    metadata = audit.metadata_by_key
    pairs = [(place, metadata[place.key]) for place in audit.ours if place.key and place.key in metadata]
    return [
        (place, row, compare(row, Shown(place.merchant_name, place.formatted_address, place.phone_intl)))
        for place, row in pairs
    ]
