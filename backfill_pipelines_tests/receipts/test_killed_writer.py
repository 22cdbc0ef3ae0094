"""kill -9 at every stage of the protocol, then the same command: the table is as if nothing had happened."""

import json
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.receipts.before_images import load_before_image
from backfill_pipelines.receipts.place import table_key
from backfill_pipelines.receipts.provenance import mark_of
from backfill_pipelines_tests.receipts.builders import answer
from backfill_pipelines_tests.receipts.fake_places import FakePlaces
from backfill_pipelines_tests.receipts.killed_writer import MOMENTS
from backfill_pipelines_tests.receipts.receipt_tables import image, receipt_of, row_of
from backfill_pipelines_tests.receipts.test_receipt_places import stub_of
from backfill_pipelines_tests.receipts.writing_world import World, failure, outcomes, world

IDS = [f"ChIJ{number:023}" for number in range(3)]
BUCKETS = ["00", "01", "02"]
STUB = 2


def rows() -> list[dict[str, Any]]:
    """Four receipts in each of three buckets, of three places; one of them has a stub."""
    found: list[dict[str, Any]] = []
    for number in range(3):
        for receipt in range(1, 5):
            key = {"SK": f"RECEIPT#{receipt:05d}#METADATA", "place_id": IDS[receipt % 3]}
            found += [row_of(number, **key), receipt_of(number, SK={"S": f"RECEIPT#{receipt:05d}"})]
    return [*found, {**stub_of(STUB), "place_id": {"S": IDS[1]}}]


def places() -> FakePlaces:
    return FakePlaces({place_id: answer() for place_id in IDS})


def killed(here: World, folder: Path, moment: str) -> int:
    """The exit code of a child that writes until it is killed."""
    said = {
        "folder": str(folder),
        "endpoint": here.place.endpoint,
        "state": str(here.place.state),
        "table": here.place.name,
        "place_ids": IDS,
        "choices": here.choices,
        "buckets": BUCKETS,
        "moment": moment,
    }
    command = [sys.executable, "-m", "backfill_pipelines_tests.receipts.killed_writer", json.dumps(said)]
    return subprocess.run(command, check=False, timeout=300, cwd=Path(__file__).parents[2]).returncode


@pytest.fixture(scope="module")
def uninterrupted(
    ministack_endpoint: str, ministack_state: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """Content digests after a run that nobody killed."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    with world(ministack_endpoint, ministack_state, folder, places(), enrich_stubs=True) as here:
        here.prepare(rows())
        result = here.run("00", "02")
        assert result.success, failure(result)
        return here.digests()


@pytest.mark.parametrize("moment", list(MOMENTS))
def test_a_killed_run_goes_on_as_if_it_had_not_been(
    moment: str, ministack_endpoint: str, ministack_state: Path, tmp_path: Path, uninterrupted: dict[str, str]
) -> None:
    with world(ministack_endpoint, ministack_state, tmp_path, places(), enrich_stubs=True) as here:
        here.prepare(rows())
        assert killed(here, tmp_path, moment) == -signal.SIGKILL
        here.release()
        result = here.run("00", "02", batch_size=4)
        assert result.success, failure(result)
        assert here.digests() == uninterrupted
        entries = here.entries()
        assert outcomes(entries.values()) == {"created": 11, "enriched": 1}
        assert here.materialized() == BUCKETS
        for key, entry in entries.items():
            item = here.place.store.get(table_key(key.image_id, key.receipt_id))
            mark = mark_of(item["reasoning"]["S"]) if item else None
            assert mark is not None
            assert mark.run_id == entry.run_id, "a rollback finds the item by the run that put it"
        (enriched,) = [entry for entry in entries.values() if entry.kind == "enrich"]
        assert enriched.key.image_id == image(STUB)
        assert "latitude" not in load_before_image(here.place.objects, enriched.before_image)
        first = Counter((tmp_path / "calls.txt").read_text().split())
        assert (first + here.places.asked).total() <= len(IDS) + 1, "one call under way may be made twice"
