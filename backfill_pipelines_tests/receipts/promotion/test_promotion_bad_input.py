"""Everything that an export can have wrong, end to end: named, set aside, and the images beside it arrive."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines_tests.receipts.promotion.copy_world import WORDS, image, planned, wide_export
from backfill_pipelines_tests.receipts.promotion.desk import Desk
from backfill_pipelines_tests.receipts.promotion.killed_copier import IMAGES
from backfill_pipelines_tests.receipts.promotion.undo_world import IMAGE_ROW

Lists = dict[str, Any]


def without_images(lists: Lists) -> str:
    return json.dumps({name: rows for name, rows in lists.items() if name != "images"})


def with_a_key_twice(lists: Lists) -> str:
    return json.dumps(lists | {"words": [*lists["words"], lists["words"][0]]})


def with_an_unknown_list(lists: Lists) -> str:
    return json.dumps(lists | {"receipt_barcodes": [{"barcode": "1"}]})


def with_a_foreign_bucket(lists: Lists) -> str:
    lists["receipts"][0]["cdn_s3_bucket"] = "somebody-elses-bucket"
    return json.dumps(lists)


def truncated(lists: Lists) -> str:
    return json.dumps(lists)[:-100]


@pytest.mark.parametrize(
    ("spoilt", "outcome", "reason"),
    [
        (without_images, "failed", "no_image_row"),
        (with_a_key_twice, "quarantined", "duplicate_key"),
        (with_an_unknown_list, "failed", "unknown_list"),
        (with_a_foreign_bucket, "quarantined", "unknown_bucket"),
        (truncated, "failed", "unreadable_export"),
    ],
    ids=["without images", "key twice", "unknown list", "foreign bucket", "truncated"],
)
def test_a_bad_export_is_set_aside_by_name_and_the_others_arrive(
    desk: Desk, spoilt: Callable[[Lists], str], outcome: str, reason: str
) -> None:
    desk.export(1)
    (desk.exports / f"{image(2)}.json").write_text(spoilt(wide_export(2, 5)))
    desk.planned()
    done = desk.promote("run", "--apply")
    assert done.exit_code == 1, done.output
    assert f"{image(2)} {outcome} {reason}" in " ".join(done.output.split())
    assert "copied 1" in done.output
    assert desk.target.partition(2) == {}
    assert {" ".join(item.key): item.digest for item in planned(1, 5).items} == desk.target.digests()
    verified = desk.typed("verify")
    assert verified.exit_code == (1 if outcome == "failed" else 0), verified.output
    assert f"{image(2)} {outcome} {reason}" in " ".join(verified.output.split())


def test_an_image_that_prod_has_with_other_content_is_left_as_it_is(desk: Desk) -> None:
    for item in planned(1, words=3).items:
        desk.target.store.put(item.item)
    before = desk.target.digests()
    desk.export(1, words=5)
    desk.planned()
    done = desk.promote("run", "--apply")
    assert done.exit_code == 0, done.output
    assert "words: 2 only in the source" in " ".join(done.output.split())
    assert desk.target.digests() == before


def test_an_image_half_copied_by_a_crash_is_brought_to_its_end_and_can_be_taken_back(desk: Desk) -> None:
    target = desk.target
    said = {"folder": str(target.folder), "endpoint": target.endpoint, "table": target.table}
    said |= {"moment": "between stages 2 and 3"}
    command = [sys.executable, "-m", "backfill_pipelines_tests.receipts.promotion.killed_copier", json.dumps(said)]
    child = subprocess.run(command, check=False, timeout=60, cwd=Path(__file__).parents[3])
    assert child.returncode == -signal.SIGKILL
    assert target.partition(1)
    assert IMAGE_ROW not in target.partition(1)
    desk.copied(*IMAGES, words=WORDS)
    wanted = {" ".join(item.key): item.digest for number in IMAGES for item in planned(number).items}
    assert target.digests() == wanted
    again = desk.promote("run", "--apply")
    assert again.exit_code == 0, again.output
    assert "identical 2" in again.output
    for run_id in sorted(target.ledger.runs(), reverse=True) or ["killed"]:
        undo(desk, run_id)
    undo(desk, "killed")
    assert target.digests() == {}


def undo(desk: Desk, run_id: str) -> None:
    """Take a run back with the number of messages that the preview names."""
    if run_id not in desk.target.ledger.runs():
        desk.target.ledger.run_of(f"cli-{run_id}", run_id, "plan")
    preview = desk.typed("rollback", run_id)
    assert preview.exit_code == 0, preview.output
    if "--accept-stream-events " in preview.output:
        number = preview.output.split("--accept-stream-events ")[1].split()[0]
        done = CliRunner().invoke(
            app, ["promote", "rollback", run_id, "--apply", "--accept-stream-events", number], catch_exceptions=False
        )
        assert done.exit_code == 0, done.output
