"""``backfill coffee demo`` from an empty folder, and the commands of restart and backup on what it leaves."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN
from backfill_pipelines.coffee.try_out import captured_trial
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.postgres import execute, read_value
from backfill_pipelines.stores.resources import build_postgres
from backfill_pipelines_tests.coffee.databases import short_folder

REAL = Path(__file__).parents[2] / ".." / "shared" / "data" / "coffee"


@pytest.fixture(scope="module")
def said() -> Iterator[str]:
    """What the smallest demo says; its state folder is the deployment from then on."""
    with short_folder() as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("BACKFILL_STATE_DIR", str(folder / "state"))
        result = CliRunner().invoke(app, ["coffee", "demo", "--roasters", "1", "--weeks", "3", "--products", "2"])
        (state,) = (folder / "state").iterdir()
        environment.setenv("BACKFILL_STATE_DIR", str(state))
        try:
            assert result.exit_code == 0, result.output
            yield " ".join(result.output.split())
        finally:
            build_postgres(read_settings()).embedded_server.stop()


def coffee(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["coffee", *arguments], catch_exceptions=False)
    return result.exit_code, " ".join(result.output.split())


def value(statement: str) -> object:
    with build_postgres(read_settings()).connect("test") as connection:
        return read_value(connection, statement)


def test_the_demo_goes_through_the_whole_recovery(said: str) -> None:
    for shown in (
        "$ backfill coffee migrate",
        "2 ok, 1 unrecoverable",
        "0 unexplained",
        "BackupMissing: a full backfill needs a backup",
        "verified at",
        "rows written: none",
        "live-shop: not_due",
        "coffee__coffees: green",
        "observations withdrawn; their bodies stay",
        "14 verdicts on 1 days",
        "pipeline_health_score 100",
        "done in",
    ):
        assert shown in said, shown
    # Two weeks of two products and, fetched, rolled back and replayed, two more: six variants each.
    assert value("SELECT count(*) FROM effective_prices") == (2 + 1) * 2 * 6


def test_the_demo_leaves_the_environment_as_it_was(said: str) -> None:
    assert said
    assert "coffee-demo-" in os.environ["BACKFILL_STATE_DIR"]
    assert "BACKFILL_ARTIFACTS_URL" not in os.environ


@pytest.mark.usefixtures("said")
def test_the_intake_is_paused_and_resumed_and_a_paused_one_fetches_nothing() -> None:
    code, shown = coffee("pause", "--reason", "disk")
    assert (code, "dry run" in shown) == (0, True)
    assert coffee("pause", "--reason", "disk", "--apply")[0] == 0
    code, shown = coffee("fetch", "live-shop")
    assert (code, "disk. Repair: backfill coffee resume --apply" in shown) == (BROKEN, True)
    assert coffee("resume", "--apply")[0] == 0
    assert value("SELECT paused FROM intake_control") is False
    assert "disk" not in coffee("fetch", "live-shop")[1]


@pytest.mark.usefixtures("said")
def test_clean_up_shows_and_refuses_by_name() -> None:
    assert "0 runs would end as crashed" in coffee("reap")[1]
    code, shown = coffee("supersede", "--roaster", "live-shop", "--apply", "--token", "x")
    assert (code, "TokenRefused" in shown) == (BROKEN, True)
    code, shown = coffee("rollback", "seven")
    assert (code, "'seven' is no id" in shown) == (BROKEN, True)
    assert coffee("orphans")[0] == 0


@pytest.mark.usefixtures("said")
def test_a_backup_is_listed_restored_beside_and_put_in_place_when_confirmed() -> None:
    (backup,) = [one for one in coffee("backups")[1].split() if one.startswith("20") and one.endswith(":")][:1]
    backup_id = backup.removesuffix(":")
    # The other one when midnight has gone by since the demo.
    shown = coffee("prune")[1]
    assert any(said in shown for said in ("nothing to prune", "there is no backup of today"))
    with build_postgres(read_settings()).connect("test") as connection:
        execute(connection, "DELETE FROM field_overrides")
        before = read_value(connection, "SELECT count(*) FROM prices")
    code, shown = coffee("restore", backup_id)
    assert code == 0
    assert f"backfill coffee restore {backup_id} --confirm coffee_scraper" in shown
    assert value("SELECT count(*) FROM prices") == before
    code, shown = coffee("restore", backup_id, "--confirm", "yes")
    assert (code, "'yes' is not the live database" in shown) == (BROKEN, True)
    code, shown = coffee("restore", backup_id, "--confirm", "coffee_scraper")
    assert (code, "is kept as coffee_scraper_before_" in shown) == (0, True)
    # The backup was made before the live shop was fetched.
    assert value("SELECT count(*) FROM prices") == 2 * 2 * 6


def test_a_folder_that_holds_no_captures_is_refused(tmp_path: Path) -> None:
    code, shown = coffee("demo", "--captures", str(tmp_path / "none"))
    assert (code, "there is no folder" in shown) == (BROKEN, True)
    code, shown = coffee("demo", "--captures", str(tmp_path))
    assert (code, "give the shops of its files with --shops" in shown) == (BROKEN, True)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real captures are not here")
def test_the_published_captures_are_described(tmp_path: Path) -> None:
    trial = captured_trial(tmp_path, REAL, None, None)
    ((raw, manifest), (captures, nothing)) = trial.imports
    assert (raw.name, captures.name, nothing) == ("raw", "captures", None)
    assert manifest is not None
    assert set(json.loads(manifest.read_text())["files"]) == {path.name for path in raw.iterdir()}
