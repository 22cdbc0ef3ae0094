"""``backfill promote embed`` as an operator uses it, with the embedded stand-in of the workflows."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from typer.testing import CliRunner, Result

from backfill_pipelines.backfill.verdicts import latest_verdict
from backfill_pipelines.cli import app
from backfill_pipelines.cli_services import about_services
from backfill_pipelines.receipts.promotion.embedding import left_of
from backfill_pipelines.receipts.promotion.embedding_samples import Left
from backfill_pipelines.receipts.promotion.promotion_assets import PROMOTED_IMAGES
from backfill_pipelines.runner import open_instance
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.embedded_workflows import WorkflowsControl, workflow_arns
from backfill_pipelines.stores.resources import build_step_functions
from backfill_pipelines_tests.receipts.promotion.copy_world import copying, image
from backfill_pipelines_tests.receipts.promotion.exports import BUCKETS
from backfill_pipelines_tests.receipts.promotion.test_cli_promote import Desk
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS


@pytest.fixture(scope="module")
def state(ministack_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests: making a Dagster home takes seconds."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "aws").symlink_to(ministack_state / "aws")
    return folder


@pytest.fixture
def desk(ministack_endpoint: str, tmp_path: Path, state: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """An empty target; the stand-in ends with the test."""
    for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
        monkeypatch.delenv(name)
    with copying(ministack_endpoint, tmp_path) as target:
        said = {
            "STATE_DIR": str(state),
            "SERVERS_DIR": str(ENVIRONMENTS),
            "OBJECTS_URL": str(tmp_path / "objects"),
            "CONTROL_URL": f"sqlite:///{tmp_path / 'control.db'}",
            "PROMOTION_TARGET_TABLE": target.table,
            "PROMOTION_BUCKETS": json.dumps(BUCKETS),
            "PROMOTION_MAX_EXPORT_AGE_DAYS": "100000",
            "EMBEDDING_POLL_SECONDS": "0.05",
            "EMBEDDING_SAMPLE_SECONDS": "0.05",
        }
        for name, value in said.items():
            monkeypatch.setenv(f"BACKFILL_{name}", value)
        (tmp_path / "exports").mkdir()
        try:
            yield Desk(target, tmp_path / "exports")
        finally:
            build_step_functions(read_settings()).server().stop()


def embed(*words: str) -> Result:
    """One command."""
    return CliRunner().invoke(app, ["promote", "embed", *words], catch_exceptions=False)


def control() -> WorkflowsControl:
    """The stand-in of the desk."""
    return WorkflowsControl(build_step_functions(read_settings()).server().endpoint())


def rows_embedded(desk: Desk) -> int:
    """Lines and words that the stand-in has embedded in the desk's table."""
    return sum(said["rows"] for arn, said in control().meters().items() if desk.target.table in arn)


def test_nothing_is_embedded_before_something_was_copied(desk: Desk) -> None:
    result = embed("--apply")
    assert result.exit_code == 2
    assert f"no image was copied into {desk.target.table}" in result.output


def test_a_dry_run_says_what_would_be_started_and_apply_embeds_once_the_places_are_there(desk: Desk) -> None:
    desk.export(0, 1)
    desk.planned()
    assert desk.promote("run", "--apply").exit_code == 0
    with open_instance(read_settings()) as opened:
        silent = [latest_verdict(opened, dg.AssetCheckKey(PROMOTED_IMAGES, "stream_silent"), b) for b in ("00", "01")]
    assert silent == [True, True]
    looked = embed()
    assert looked.exit_code == 0, looked.output
    assert "Mode: DRY RUN\nNo workflow is started. Use --apply to start." in looked.output
    assert "Images: 2   lines and words written: 12   places: 2" in looked.output
    assert "Left of these images: 10 NONE (0 lines), 0 FAILED" in looked.output
    assert "  line workflow: nothing waits" in looked.output
    assert f"-infra-{desk.target.table}-word-workflow, 10 words are left" in looked.output
    place = desk.target.partition(0)["RECEIPT#00001#PLACE"]
    desk.target.store.delete({"PK": place["PK"], "SK": place["SK"]})
    assert f"place missing: {image(0)} RECEIPT#00001#PLACE" in embed().output
    refused = embed("--apply", "--buckets", "00")
    assert refused.exit_code == 2, refused.output
    assert "is not there" in refused.output
    desk.target.store.put(place)
    assert rows_embedded(desk) == 0
    done = embed("--apply")
    assert done.exit_code == 0, done.output
    assert "-00-word-1 SUCCEEDED" in done.output
    assert "embedding_drained: PASS" in done.output
    assert left_of(desk.target.store) == Left()


def test_a_stall_is_exit_1_with_its_samples_and_the_next_command_goes_on(desk: Desk) -> None:
    desk.export(0)
    desk.planned()
    assert desk.promote("run", "--apply").exit_code == 0
    control().script(stall_after=2)
    stuck = embed("--apply")
    assert stuck.exit_code == 1, stuck.output
    assert stuck.output.count("  sample: 3 NONE, 0 FAILED") == 3
    assert "embedding_drained: FAIL" in stuck.output
    control().script(stall_after=None)
    assert embed("--apply").exit_code == 0


def test_a_full_backlog_parks_or_with_embed_is_worked_off_in_between(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.export(0, 1)
    desk.planned()
    monkeypatch.setenv("BACKFILL_PROMOTION_CHUNK_IMAGES", "1")
    monkeypatch.setenv("BACKFILL_PROMOTION_EMBEDDING_BACKLOG_LIMIT", "7")
    parked = desk.promote("run", "--apply")
    assert parked.exit_code == 3, parked.output
    assert left_of(desk.target.store).waiting == 5
    done = desk.promote("run", "--apply", "--embed")
    assert done.exit_code == 0, done.output
    assert left_of(desk.target.store).waiting == 5
    assert rows_embedded(desk) == 5


def test_nothing_is_copied_while_an_execution_is_under_way_whoever_started_it(desk: Desk) -> None:
    """It would embed lines and words of an image as they arrive, before all of them are there."""
    desk.export(0)
    desk.planned()
    control().script(hold=True)
    machines, arns = build_step_functions(read_settings()).machines(), workflow_arns(desk.target.table)
    machines.start(arns["word"], "by-hand")
    refused = desk.promote("run", "--apply")
    assert refused.exit_code == 2, refused.output
    assert "is under way: by-hand RUNNING" in " ".join(refused.output.split())
    assert desk.target.digests() == {}
    control().script(hold=False)
    while machines.running(arns["word"]):
        time.sleep(0.05)
    done = desk.promote("run", "--apply")
    assert done.exit_code == 0, done.output


@pytest.mark.usefixtures("desk")
def test_the_services_of_a_state_folder_include_the_stand_in() -> None:
    assert about_services(read_settings())["workflows"] == "embedded, starts when it is needed"
    control()
    assert "pid" in about_services(read_settings())["workflows"]
