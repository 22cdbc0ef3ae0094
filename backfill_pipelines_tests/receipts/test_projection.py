"""Cost against the plan over its revisions: a migration of many days is planned anew each day, and its bill goes on."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backfill_pipelines.receipts import query_gates
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.projection import Metered, cost_within_projection
from backfill_pipelines.receipts.verification import Stores, attempts_of, load_audit, verify
from backfill_pipelines_tests.receipts.builders import answer
from backfill_pipelines_tests.receipts.fake_places import FakePlaces
from backfill_pipelines_tests.receipts.places_world import ids
from backfill_pipelines_tests.receipts.receipt_tables import receipt_of, row_of
from backfill_pipelines_tests.receipts.writing_world import World, failure, world

RECORDS = 8


@pytest.fixture
def here(ministack_endpoint: str, ministack_state: Path, tmp_path: Path) -> Iterator[World]:
    """Eight records of eight places in eight buckets."""
    places = FakePlaces({place_id: answer() for place_id in ids(RECORDS)})
    with world(ministack_endpoint, ministack_state, tmp_path, places, free_calls=0) as made:
        rows = [(row_of(n, place_id=place_id), receipt_of(n)) for n, place_id in enumerate(ids(RECORDS))]
        made.prepare([item for pair in rows for item in pair])
        yield made


def judged(here: World) -> GateResult:
    """The gate as verification measures it, on the newest plan."""
    stores = Stores(here.place.store, here.place.objects, here.control, here.settings)
    attempts = attempts_of(stores, here.plan.plan_id, here.ledger.runs())
    return cost_within_projection(Metered.of(attempts, here.entries()), here.plan.estimate)


def write(here: World, first: str, last: str) -> None:
    result = here.run(first, last)
    assert result.success, failure(result)


def test_what_was_used_before_a_new_revision_is_no_overrun_of_it(here: World) -> None:
    """A manifest is stale after a day: a gate that forgot the days before would end every long migration."""
    write(here, "00", "05")
    here.prepare()
    assert here.plan.revision == 2
    assert (here.plan.estimate.records, here.plan.estimate.calls) == (2, 2)
    assert judged(here).verdict is GateVerdict.PASS, judged(here).lines
    write(here, "06", "07")
    found = judged(here)
    assert found.verdict is GateVerdict.PASS, found.lines
    assert "calls 8 of 8; " in found.text
    assert "dollars 0.16 of 0.16; " in found.text


def test_what_a_revision_did_not_plan_for_is_still_an_overrun(here: World) -> None:
    write(here, "00", "05")
    here.prepare()
    write(here, "06", "07")
    known = here.plan.estimate
    fewer = replace(known, calls=known.calls - 1)
    attempts = attempts_of(
        Stores(here.place.store, here.place.objects, here.control, here.settings),
        here.plan.plan_id,
        here.ledger.runs(),
    )
    found = cost_within_projection(Metered.of(attempts, here.entries()), fewer)
    assert found.culprits == ("calls: 8 is more than 102 % of 7",)


def test_every_gate_holds_over_a_revision_in_the_middle(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when receipts have come and gone between the two inventories."""
    monkeypatch.setattr(query_gates, "LATENCY_SAMPLES", 2)
    write(here, "00", "05")
    gone = row_of(7)
    for item in (gone, receipt_of(7)):
        here.place.store.delete({name: item[name] for name in ("PK", "SK")})
    here.prepare([row_of(9, place_id=ids(1)[0]), receipt_of(9)])
    write(here, "06", "ff")
    stores = Stores(here.place.store, here.place.objects, here.control, here.settings)
    verification = verify(stores, load_audit(stores, here.plan, len(here.plan.waves)))
    assert verification.red == [], [result.lines for result in verification.red]
