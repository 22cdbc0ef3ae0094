"""The sample's place ids through client, ledger and cache: the figures of the acceptance tables."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.try_out import SeedError, place_bodies
from backfill_pipelines.stores.places_standin_state import Does
from backfill_pipelines_tests.receipts.places_world import PlacesWorld, places_world
from backfill_pipelines_tests.receipts.real_rows import CORRUPT_ID, needs_real_rows, sample

pytestmark = needs_real_rows


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PlacesWorld]:
    with places_world(tmp_path) as found:
        found.state.load(place_bodies(sample().eligible, sample().answers, echoes=True).values())
        found.script(CORRUPT_ID, Does.INVALID_ID)
        yield found


def test_the_sample_takes_42_calls_of_which_41_are_billed_and_none_costs(world: PlacesWorld) -> None:
    report = world.fetch(row.place_id for row in sample().eligible)
    counts = report.counts()
    assert (counts["http_attempts"], counts["ids_ok"], counts["ids_malformed"]) == (42, 41, 1)
    assert report.fetched[CORRUPT_ID].reason is Reason.MALFORMED_ID
    assert sum(world.state.billable.values()) == 41
    assert report.spent_usd == 0
    again = world.fetch(sample().place_ids, run_id="rp-2")
    assert (again.counts()["http_attempts"], again.counts()["ids_cache_fresh"]) == (0, 42)


def test_thirty_calls_are_thirty_and_the_next_run_makes_the_other_twelve(world: PlacesWorld) -> None:
    world.settings = {"max_calls": 30}
    assert world.fetch(sample().place_ids, run_id="rp-1").counts()["ids_parked"] == 12
    assert len(world.asked) == 30
    assert world.fetch(sample().place_ids, run_id="rp-2").counts()["http_attempts"] == 12


@pytest.mark.parametrize("mode", ["plain", "echo"])
def test_the_bodies_of_a_try_out_are_those_of_the_acceptance_tables(mode: str) -> None:
    bodies = place_bodies(sample().eligible, sample().answers, echoes=mode == "echo")
    assert list(bodies) == sample().place_ids
    for place_id, body in bodies.items():
        expected = sample().answer(place_id, mode)
        assert {name: body.get(name) for name in expected if name != "name"} == {
            name: value for name, value in expected.items() if name != "name"
        }


def test_too_few_bodies_are_refused() -> None:
    with pytest.raises(SeedError, match="42 place ids and 3 bodies"):
        place_bodies(sample().eligible, sample().answers[:3], echoes=False)
