"""Everything that an export can have wrong, end to end: named, set aside, and the images beside it arrive."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from backfill_pipelines_tests.receipts.promotion.copy_world import WORDS, image, planned, wide_export
from backfill_pipelines_tests.receipts.promotion.desk import Desk, desk_of
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


#: What is wrong with an export, and how it ends: one image each, from the second on.
BAD: Mapping[str, tuple[Callable[[Lists], str], str]] = {
    "without images": (without_images, "failed no_image_row"),
    "key twice": (with_a_key_twice, "quarantined duplicate_key"),
    "unknown list": (with_an_unknown_list, "failed unknown_list"),
    "foreign bucket": (with_a_foreign_bucket, "quarantined unknown_bucket"),
    "truncated": (truncated, "failed unreadable_export"),
}


@dataclass(frozen=True)
class Ended:
    """What the commands said, and what stands in the table."""

    copied: Result
    verified: Result
    digests: Mapping[str, str]


@pytest.fixture(scope="module")
def ended(ministack_endpoint: str, state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """A good export among all bad ones: planned, copied, verified."""
    folder = tmp_path_factory.mktemp("bad")
    with pytest.MonkeyPatch.context() as patch, desk_of(ministack_endpoint, folder, state, patch) as desk:
        desk.export(1)
        for number, (spoilt, _) in enumerate(BAD.values(), 2):
            (desk.exports / f"{image(number)}.json").write_text(spoilt(wide_export(number, 5)))
        desk.planned()
        yield Ended(desk.promote("run", "--apply"), desk.typed("verify"), desk.target.digests())


@pytest.mark.parametrize("case", list(BAD))
def test_a_bad_export_is_set_aside_by_name(ended: Ended, case: str) -> None:
    named = f"{image(2 + list(BAD).index(case))} {BAD[case][1]}"
    assert named in " ".join(ended.copied.output.split())
    assert named in " ".join(ended.verified.output.split())


def test_the_image_beside_bad_ones_arrives_and_nothing_of_them_does(ended: Ended) -> None:
    assert (ended.copied.exit_code, ended.verified.exit_code) == (1, 1)
    assert "copied 1" in ended.copied.output
    assert ended.digests == {" ".join(item.key): item.digest for item in planned(1, 5).items}


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
    child = subprocess.run(command, check=False, timeout=300, cwd=Path(__file__).parents[3])
    assert child.returncode == -signal.SIGKILL
    assert target.partition(1)
    assert IMAGE_ROW not in target.partition(1)
    run_id = desk.copied(*IMAGES, words=WORDS)
    wanted = {" ".join(item.key): item.digest for number in IMAGES for item in planned(number).items}
    assert target.digests() == wanted
    again = desk.promote("run", "--apply")
    assert again.exit_code == 0, again.output
    assert "identical 2" in again.output
    undo(desk, run_id)
    desk.target.ledger.run_of("cli-killed", "killed", "plan")
    undo(desk, "killed")
    assert target.digests() == {}


def undo(desk: Desk, run_id: str) -> None:
    """Take a run back with the number of messages that the preview names."""
    preview = desk.typed("rollback", run_id)
    assert preview.exit_code == 0, preview.output
    number = preview.output.split("--accept-stream-events ")[1].split()[0]
    done = desk.typed("rollback", run_id, "--apply", "--accept-stream-events", number)
    assert done.exit_code == 0, done.output
