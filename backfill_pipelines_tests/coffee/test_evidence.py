"""The expected set as the database has it."""

import uuid
from datetime import datetime, timedelta

import pytest

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.coffee.evidence import coverage, load_expected_set, load_shops
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores.postgres import execute
from backfill_pipelines_tests.coffee.stored_world import FIRST, LAST, NOW, SUNDAY, VERSIONS, World


def test_a_published_complete_capture_completes_its_day(world: World) -> None:
    assert world.state() == (
        "missing",
        "price tick at 2025-09-28 04:00: window closed, the stores were not searched since",
    )
    world.artifact(SUNDAY)
    assert world.state() == ("complete", "")


def test_pages_are_one_capture_and_an_invalid_page_makes_it_partial(world: World) -> None:
    capture = uuid.uuid4()
    world.artifact(SUNDAY, capture_id=capture)
    assert world.state()[0] == "complete"
    world.artifact(SUNDAY, capture_id=capture, page=2, validation_status="invalid")
    assert world.state() == ("partial", "partial")


def test_an_invalid_capture_is_quarantined(world: World) -> None:
    world.artifact(SUNDAY, validation_status="invalid")
    assert world.state() == ("quarantined", "1 captures are invalid")


def test_a_late_artifact_and_an_older_normaliser_are_stale(world: World) -> None:
    world.artifact(SUNDAY)
    late = world.artifact(SUNDAY + timedelta(minutes=9), processed_at=None, validation_status="pending")
    assert world.state() == ("stale", "1 stored captures are not published")
    execute(world.connection, "UPDATE scrape_artifacts SET processed_at = now() WHERE id = %s", (late,))
    execute(world.connection, "UPDATE scrape_artifacts SET normalizer_version = '0.9.0' WHERE id = %s", (late,))
    assert world.state() == ("stale", "published by an older transform or normaliser")


def test_a_superseded_artifact_does_not_count(world: World) -> None:
    newer = world.artifact(SUNDAY, completeness="filtered")
    world.artifact(SUNDAY, superseded_by=newer)
    assert world.state() == ("partial", "filtered")


def test_a_not_modified_answer_counts_as_what_it_confirms(world: World) -> None:
    world.artifact(SUNDAY - timedelta(days=14), completeness="complete")
    world.artifact(SUNDAY - timedelta(days=7), completeness="not_modified")
    world.artifact(SUNDAY, completeness="not_modified")
    assert world.state() == ("complete", "")
    world.artifact(SUNDAY - timedelta(days=1), completeness="filtered")
    assert world.state() == ("partial", "not_modified")


def _judged(world: World, state: str, at: datetime) -> None:
    run = uuid.uuid4()
    world.insert(
        "backfill_runs",
        {"id": run, "mode": "incremental", "scope": "{}", "plan": "{}", "fingerprint": "x", "status": "running"},
    )
    world.insert(
        "backfill_partitions",
        {
            "backfill_run_id": run,
            "roaster_id": world.source.roaster_id,
            "day": SUNDAY.date(),
            "state": state,
            "verdict": "{}",
            "updated_at": at,
        },
    )


def test_red_gates_quarantine_a_capture_until_its_input_changes(world: World) -> None:
    world.artifact(SUNDAY, processed_at=None, validation_status="pending", created_at=NOW)
    _judged(world, "failed", NOW + timedelta(minutes=1))
    assert world.state() == ("quarantined", "1 captures with a red gate")
    world.artifact(
        SUNDAY, url="https://other", processed_at=None, validation_status="pending", created_at=NOW + timedelta(hours=1)
    )
    assert world.state()[0] == "stale"


def test_an_open_quarantine_makes_a_day_partial(world: World) -> None:
    artifact = world.artifact(SUNDAY)
    row = {"roaster_id": world.source.roaster_id, "day": SUNDAY.date(), "artifact_id": artifact, "reason": "Q_X"}
    world.insert("quarantine", {**row, "detail": "{}"})
    assert world.state() == ("partial", "products are in quarantine")
    execute(world.connection, "UPDATE quarantine SET state = 'rejected'")
    assert world.state()[0] == "complete"


def test_a_search_that_found_nothing_is_evidence(world: World) -> None:
    world.insert(
        "partition_evidence",
        {
            "roaster_id": world.source.roaster_id,
            "day": SUNDAY.date(),
            "state": "unrecoverable",
            "reason": "no stored body",
            "evidence": "{}",
            "recorded_at": NOW,
        },
    )
    assert world.state() == ("unrecoverable", "no stored body")


def test_the_gap_query_shows_what_is_not_there(world: World) -> None:
    """The runbook's own lists the days that exist, so that a gap is the one thing it never shows."""
    world.artifact(SUNDAY)
    world.artifact(SUNDAY - timedelta(days=7), completeness="filtered")
    world.artifact(SUNDAY - timedelta(days=14), processed_at=None)
    shops = load_shops(world.connection)
    found = coverage(world.connection, shops, FIRST, LAST)
    assert [(row["day"].isoformat(), row["coverage"]) for row in found] == [
        ("2025-09-01", "missing"),
        ("2025-09-07", "missing"),
        ("2025-09-14", "missing"),
        ("2025-09-21", "partial"),
        ("2025-09-28", "complete"),
        ("2025-10-01", "missing"),
    ]
    assert len(coverage(world.connection, shops, FIRST, FIRST)) == 1, "the temporary table is filled anew"


def test_an_unknown_roaster_is_refused_by_name(world: World) -> None:
    with pytest.raises(SettingsError, match="no roaster araku"):
        load_shops(world.connection, ["blue-tokai", "araku"])


def test_every_day_has_one_state(world: World) -> None:
    shops = load_shops(world.connection)
    found = load_expected_set(world.connection, shops, FIRST, LAST, VERSIONS, NOW)
    assert found.counts == {DayState.MISSING: 6, DayState.EXPECTED_EMPTY: 28}
