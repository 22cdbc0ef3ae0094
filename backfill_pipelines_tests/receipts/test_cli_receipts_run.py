"""``backfill receipts plan`` and ``run`` as an operator uses them: refusals, dry run, limit, and the exit codes."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from typer.testing import CliRunner, Result

from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.cli import app
from backfill_pipelines.cli_receipts_summary import equations, exit_code
from backfill_pipelines.receipts.keys import BUCKETS
from backfill_pipelines.receipts.run_reports import RunReport
from backfill_pipelines.runner import ChunkResult, open_instance
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces, StandInControl
from backfill_pipelines_tests.receipts.receipt_tables import image, receipt_of, row_of
from backfill_pipelines_tests.receipts.writing_world import World, outcomes, world

IDS = [f"ChIJ{number:023}" for number in range(3)]
PLACES = "receipts/receipt_places"


@dataclass
class Desk:
    """An operator's environment: a table of three receipts in three buckets, an API that makes up places."""

    here: World
    api: StandInControl

    def ready(self) -> "Desk":
        """Everything that writing waits for."""
        with open_instance(read_settings()) as instance:
            replace(self.here, instance=instance).prepare()
        return self


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["receipts", *words], catch_exceptions=False)


def said(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, StandInControl]]:
    folder = tmp_path_factory.mktemp("places")
    server = EmbeddedPlaces(folder)
    try:
        yield folder, StandInControl(server.endpoint())
    finally:
        server.stop()


@pytest.fixture(scope="module")
def state(ministack_state: Path, api: tuple[Path, StandInControl], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One state folder for all tests: making a Dagster home takes seconds."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "aws").symlink_to(ministack_state / "aws")
    (folder / "places").symlink_to(api[0])
    return folder


@pytest.fixture
def desk(
    ministack_endpoint: str,
    ministack_state: Path,
    tmp_path: Path,
    state: Path,
    api: tuple[Path, StandInControl],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    api[1].reset()
    with world(ministack_endpoint, ministack_state, tmp_path) as here:
        for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
            monkeypatch.delenv(name)
        variables = here.place.variables | {"BACKFILL_STATE_DIR": str(state), "BACKFILL_CONTROL_URL": here.control.url}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        rows = [(row_of(number, place_id=place_id), receipt_of(number)) for number, place_id in enumerate(IDS)]
        here.place.load([item for pair in rows for item in pair])
        yield Desk(here, api[1])


def test_without_inventory_or_plan_the_command_says_what_to_do_first(desk: Desk) -> None:
    shown = run("run", "--buckets", "00")
    assert (shown.exit_code, "Repair: backfill receipts inventory" in said(shown)) == (2, True)
    run("inventory")
    shown = run("run", "--buckets", "00")
    assert (shown.exit_code, f"{desk.here.place.name} has no plan" in said(shown)) == (2, True)
    shown = run("plan")
    assert shown.exit_code == 0, shown.output
    assert "BACKFILL_PLACES_DAILY_QUOTA" in shown.output
    assert desk.here.plan.fingerprint in shown.output.replace("\n", "")
    assert run("plan").exit_code == 0
    assert desk.here.plan.revision == 1, "the same state is the same plan"


def test_a_dry_run_is_the_default_and_writing_names_all_that_is_missing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("inventory")
    monkeypatch.setenv("BACKFILL_PRODUCTION_TABLES", f'["{desk.here.place.name}"]')
    run("plan")
    shown = run("run", "--buckets", "00-02")
    assert shown.exit_code == 0, shown.output
    assert "dry run: nothing was written" in said(shown)
    assert "would_call │ │ 3" in said(shown)
    shown = run("run", "--buckets", "00-02", "--apply", "--fetch")
    assert shown.exit_code == 2
    for text in (
        "is a production table: its name is needed as confirmation",
        "Repair: backfill receipts preflight",
        "wave 1 of plan-",
        "no canary was run. Repair: backfill receipts run --canary",
    ):
        assert text in said(shown)
    assert desk.api.meters()["requests"] == 0
    assert desk.here.stored() == {}


def test_a_run_with_a_limit_advances(desk: Desk) -> None:
    desk.ready()
    shown = run("run", "--buckets", "00-02", "--apply", "--fetch", "--limit", "2")
    assert shown.exit_code == 0, shown.output
    assert outcomes(desk.here.entries().values()) == {"created": 2}
    assert "ok eligible = created" in said(shown)
    desk.ready()
    assert run("run", "--buckets", "00-02", "--apply", "--fetch", "--limit", "2").exit_code == 0
    assert len(desk.here.stored()) == 3
    assert desk.api.meters()["requests"] == 3


def test_a_run_of_64_buckets_is_one_run_with_a_verdict_for_each(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run of Dagster costs a fifth of a second: a wave of a large table asks for longer ones."""
    desk.ready()
    monkeypatch.setenv("BACKFILL_PLACES_DAILY_QUOTA", "100")
    shown = run("run", "--buckets", "00-3f", "--apply", "--fetch", "--buckets-per-run", "64")
    assert shown.exit_code == 0, shown.output
    assert [line for line in shown.output.splitlines() if line.startswith(PLACES)] == [f"{PLACES}  00-3f"]
    with open_instance(read_settings()) as instance:
        records = instance.fetch_materializations(dg.AssetKey(PLACES.split("/")), limit=100).records
        of_this_run = [one.asset_materialization for one in records if one.run_id == records[0].run_id]
        made = {materialization.partition for materialization in of_this_run if materialization}
        tags = instance.get_run_by_id(records[0].run_id).tags  # pyright: ignore[reportOptionalMemberAccess]
        gate = dg.AssetCheckKey(dg.AssetKey(PLACES.split("/")), "readback_equal")
        verdicts = latest_verdicts(instance, [gate])[gate]
    assert "quota of the day: 97 of 100 calls left until" in said(shown)
    assert made == {*BUCKETS[:64]}
    assert (tags[ASSET_PARTITION_RANGE_START_TAG], tags[ASSET_PARTITION_RANGE_END_TAG]) == ("00", "3f")
    assert verdicts == dict.fromkeys(BUCKETS[:64], True)


def test_one_image_is_written_by_its_name(desk: Desk) -> None:
    desk.ready()
    shown = run("run", "--image-id", image(0), "--receipt-id", "1", "--apply", "--fetch")
    assert shown.exit_code == 0, shown.output
    assert [key.name for key in desk.here.entries()] == [f"{image(0)}/1"]


def test_a_refused_key_stops_with_4_and_marks_nothing(desk: Desk) -> None:
    desk.ready()
    desk.api.script(from_request={1: {"does": "forbidden"}})
    shown = run("run", "--buckets", "00-02", "--apply", "--fetch")
    assert shown.exit_code == 4, shown.output
    assert "stopped: auth_error" in said(shown)
    assert desk.here.entries() == {}


def test_over_the_cap_it_ends_with_3_and_the_same_command_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ready()
    monkeypatch.setenv("BACKFILL_PLACES_MAX_CALLS", "2")
    shown = run("run", "--buckets", "00-02", "--apply", "--fetch")
    assert shown.exit_code == 3, shown.output
    assert outcomes(desk.here.entries().values()) == {"created": 2, "parked parked_budget": 1}
    desk.ready()
    assert run("run", "--buckets", "00-02", "--apply", "--fetch").exit_code == 0
    assert desk.api.meters()["requests"] == 3


def test_count_only_counts(desk: Desk) -> None:
    shown = run("run", "--count-only")
    assert shown.exit_code == 0
    assert "metadata rows" in said(shown)
    assert not desk.here.place.folder.exists()


def test_a_choice_that_makes_no_sense_is_refused(desk: Desk) -> None:
    desk.ready()
    for words, complaint in (
        ([], "name what to run in one way"),
        (["--wave", "1", "--buckets", "00"], "name what to run in one way"),
        (["--buckets", "0g"], "'0g' are no buckets"),
        (["--buckets", "0f-00"], "'0f-00' are no buckets"),
        (["--image-id", "x"], "'x' is no image id"),
        (["--image-id", image(0), "--receipt-id", "7"], f"has no metadata row of {image(0)}/7. Repair: correct the id"),
        (["--buckets", "00", "--receipt-id", "7"], "--receipt-id without --image-id names no record"),
        (["--canary", "--wave", "2", "--apply"], "Repair: leave out --wave, --apply"),
    ):
        shown = run("run", *words)
        assert (shown.exit_code, complaint in said(shown)) == (2, True)


def report(**changes: Any) -> RunReport:
    values = {
        "origin": "cli",
        "dagster_run_id": "d",
        "asset": PLACES,
        "run_id": "rp-1",
        "buckets": ("00",),
        "dry_run": False,
        "tally": {"created": {"": 3}},
        "eligible": 3,
    }
    return RunReport(**values | changes)


FAILED = [ChunkResult(PLACES, "00", "0f", 16, "1 of 16 partitions failed")]


@pytest.mark.parametrize(
    ("reports", "failures", "code"),
    [
        ([report()], [], 0),
        ([report(red={"readback_equal": 1})], FAILED, 1),
        ([report(tally={"failed": {"write_error": 1}}, red={"every_record_is_settled": 1})], FAILED, 1),
        ([report(stop="ratio")], FAILED, 1),
        ([report(ratio="metadata_without_place_ratio FAIL: 3 of 100")], [], 1),
        ([report(red={"upstream_is_complete": 1, "no_duplicate_after_publish": 1})], FAILED, 2),
        ([report(tally={"parked": {"parked_quota": 1}}, red={"every_record_is_settled": 1})], FAILED, 3),
        ([report(stop="auth_error")], FAILED, 4),
        ([report(stop="lease")], FAILED, 4),
        ([report(stop="throttled", tally={"failed": {"throttled": 2}})], FAILED, 4),
        ([], FAILED, 1),
    ],
)
def test_the_exit_codes(reports: list[RunReport], failures: list[ChunkResult], code: int) -> None:
    assert exit_code(reports, failures) == code


def test_an_equation_that_does_not_hold_says_so() -> None:
    assert equations([report(eligible=4)], {})[0].startswith("WRONG eligible = created + enriched")
