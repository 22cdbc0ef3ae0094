"""Rows of stored bodies: one for each answer, made again from the store alone, changed by hand where that is meant."""

import dataclasses
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from backfill_pipelines.coffee.artifact_rows import (
    adopt_stored,
    captures_at,
    read_captures,
    record_captures,
    set_completeness,
)
from backfill_pipelines.coffee.artifacts import Answer, Artifacts
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.coffee.registry import sources
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres, execute, read_rows

THEN = datetime(2025, 9, 17, 19, 3, 11, tzinfo=UTC)


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(ObjectStore(url=str(tmp_path / "artifacts"), is_own=True))


def answer(source: Source, day: int = 0, page: int = 1) -> Answer:
    moment = THEN + timedelta(days=day)
    headers = {"etag": f"e{page}"}
    return Answer(f"{source.base_url}/products.json?page={page}", moment, page=page, headers=headers)


def test_an_answer_has_one_row_and_comes_back_as_it_was(
    postgres: Postgres, source: Source, artifacts: Artifacts
) -> None:
    saved = [artifacts.save_body(source, b"{}", answer(source, day, page)) for day, page in ((7, 1), (0, 1), (0, 2))]
    with postgres.connect("test") as connection:
        assert record_captures(connection, saved) == 3
        assert record_captures(connection, saved) == 0
        assert record_captures(connection, []) == 0
        assert read_captures(connection) == [saved[1], saved[2], saved[0]]
        assert read_captures(connection, ["blue-tokai"], date(2025, 9, 18)) == [saved[0]]
        assert read_captures(connection, ["blue-tokai"], last=date(2025, 9, 17)) == [saved[1], saved[2]]
        assert read_captures(connection, ["nobody"]) == []
        assert captures_at(connection, source.id, THEN) == [saved[1], saved[2]]
        execute(connection, "UPDATE scrape_artifacts SET superseded_by = %s WHERE id = %s", (saved[1].id, saved[2].id))
        assert read_captures(connection, last=date(2025, 9, 17)) == [saved[1]]


def test_a_lost_database_is_made_again_from_the_store(postgres: Postgres, source: Source, artifacts: Artifacts) -> None:
    saved = [artifacts.save_body(source, b"{}", answer(source, day)) for day in range(3)]
    stranger = dataclasses.replace(source, id=source.roaster_id, base_url="https://moved.example")
    foreign = artifacts.save_body(stranger, b"[]", answer(stranger, 1))
    with postgres.connect("test") as connection:
        record_captures(connection, saved[:1])
        found = adopt_stored(connection, artifacts, sources(connection), "blue-tokai")
        assert (found.recorded, found.known, found.foreign) == (2, 1, [foreign])
        assert read_captures(connection) == saved
        statuses = read_rows(connection, "SELECT DISTINCT validation_status::text AS s FROM scrape_artifacts")
        assert statuses == [{"s": "pending"}]


def test_a_capture_marked_by_hand_waits_to_be_published_again_and_the_store_knows(
    postgres: Postgres, source: Source, artifacts: Artifacts
) -> None:
    saved = [artifacts.save_body(source, b"{}", answer(source, 0, page)) for page in (1, 2)]
    with postgres.connect("test") as connection:
        record_captures(connection, saved)
        execute(connection, "UPDATE scrape_artifacts SET processed_at = now()")
        assert set_completeness(connection, artifacts, source, saved[0].capture_id, "complete") == 2
        assert set_completeness(connection, artifacts, source, saved[0].capture_id, "complete") == 0
        assert read_rows(connection, "SELECT DISTINCT completeness, processed_at FROM scrape_artifacts") == [
            {"completeness": "complete", "processed_at": None}
        ]
    assert {capture.completeness for capture in artifacts.listing("blue-tokai").captures} == {"complete"}
    assert [item.error for item in artifacts.load_bodies(saved)] == [None, None]
