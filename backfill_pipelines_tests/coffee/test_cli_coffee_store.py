"""``backfill coffee`` as an operator uses it, from an empty state folder: schema, registry, import, adoption."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN, RED
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.postgres import execute, read_value
from backfill_pipelines.stores.resources import build_postgres
from backfill_pipelines_tests.coffee.databases import short_folder
from backfill_pipelines_tests.coffee.test_legacy_layouts import FETCHED, PRODUCTS

REGISTRY = {
    "roasters": [
        {
            "slug": "blue_tokai",
            "name": "Blue Tokai",
            "sources": [{"base_url": "https://bluetokaicoffee.com", "platform": "shopify", "currency": "INR"}],
        }
    ]
}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A deployment of its own; the commands of this module are one operator's session."""
    with short_folder() as found, pytest.MonkeyPatch.context() as environment:
        environment.setenv("BACKFILL_STATE_DIR", str(found / "state"))
        yield found
        build_postgres(read_settings()).embedded_server.stop()


def coffee(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["coffee", *arguments], catch_exceptions=False)
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.usefixtures("folder")
def test_nothing_works_before_the_schema_is_there_and_the_message_says_how() -> None:
    code, said = coffee("sources")
    assert code == BROKEN
    assert "backfill coffee migrate" in said
    code, said = coffee("migrate", "--check")
    assert code == RED
    assert "pending 0001_schema.sql" in said
    code, said = coffee("migrate")
    assert code == 0
    assert "applied 0001_schema.sql" in said
    code, said = coffee("migrate")
    assert (code, "applied" in said, "up to date" in said) == (0, False, True)


def test_the_registry_is_loaded_and_shown(folder: Path) -> None:
    (folder / "shops.json").write_text(json.dumps(REGISTRY))
    code, said = coffee("sources", "--load", str(folder / "shops.json"))
    assert code == 0
    assert "2 new, 0 changed, 0 unchanged" in said
    code, said = coffee("sources")
    assert "bluetokaicoffee.com" in said
    code, said = coffee("sources", "--load", str(folder / "none.json"))
    assert code == BROKEN
    assert "cannot be read" in said


def test_files_are_imported_and_a_refused_one_is_red(folder: Path) -> None:
    old = folder / "old"
    old.mkdir()
    (old / "a.json").write_text(json.dumps(FETCHED))
    (old / "b.json").write_text(json.dumps({"products": [{**PRODUCTS[0], "updated_at": None}]}))
    code, said = coffee("import", str(old), "--dry-run")
    assert code == RED
    assert "nothing was written" in said
    assert not (folder / "state" / "artifacts").exists()
    code, said = coffee("import", str(old), "--source", "blue_tokai")
    assert code == RED
    assert "b.json: E_OBSERVED_AT_UNKNOWN" in said
    (folder / "times.json").write_text(json.dumps({"files": {"b.json": {"observed_at": "2025-09-27T00:00:00Z"}}}))
    code, said = coffee("import", str(old), "--source", "blue_tokai", "--manifest", str(folder / "times.json"))
    assert code == 0
    assert "known" in said
    code, said = coffee("import", str(folder / "nothing"))
    assert (code, "there is no" in said) == (BROKEN, True)


def test_production_is_only_written_when_that_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "DEPLOYMENT": "prod",
        "WAREHOUSE": "bigquery",
        "BIGQUERY_PROJECT": "p",
        "POSTGRES": "server",
        "POSTGRES_DSN": build_postgres(read_settings()).conninfo(),
    }.items():
        monkeypatch.setenv(f"BACKFILL_{name}", value)
    code, said = coffee("import", str(folder / "old" / "a.json"))
    assert code == 0
    assert "dry run" in said


@pytest.mark.usefixtures("folder")
def test_a_capture_is_marked_by_hand() -> None:
    code, said = coffee("mark", "blue_tokai", "2025-09-27T00:00:00Z", "complete")
    assert (code, "1 pages are complete" in said) == (0, True)
    for time in ("2025-09-27T00:00:00Z", "2025-09-27T00:00:00", "soon"):
        assert coffee("mark", "blue_tokai", time, "complete")[0] == BROKEN


def test_rows_that_were_lost_are_made_again_from_the_bodies(folder: Path) -> None:
    postgres = build_postgres(read_settings())
    with postgres.connect("test") as connection:
        execute(connection, "ALTER TABLE scrape_artifacts DISABLE TRIGGER artifacts_undeletable")
        execute(connection, "DELETE FROM scrape_artifacts")
    code, said = coffee("adopt")
    assert (code, "blue_tokai: 2 new, 0 known" in said) == (0, True)
    with postgres.connect("test") as connection:
        assert read_value(connection, "SELECT count(*) FROM scrape_artifacts WHERE completeness = 'complete'") == 2
    for path in (folder / "state" / "artifacts").rglob("*0927*.meta.json"):
        path.unlink()
    code, said = coffee("adopt")
    assert code == RED
    assert "body without meta, ignored" in said


@pytest.mark.usefixtures("folder")
def test_what_was_set_aside_is_shown_and_decided() -> None:
    with build_postgres(read_settings()).connect("test") as connection:
        row = read_value(
            connection,
            "INSERT INTO quarantine (roaster_id, day, reason, detail, platform_product_id)"
            """ SELECT id, '2025-09-20', 'Q_NO_TITLE', '{"code": "E_NO_TITLE"}', 'p7' FROM roasters RETURNING id""",
        )
    code, said = coffee("quarantine", "list", "--day", "2025-09-20")
    assert code == 0
    assert "product p7" in said
    assert "E_NO_TITLE" in said
    code, said = coffee("quarantine", "reject", str(row), "--why", "no coffee")
    assert (code, "dry run" in said) == (0, True)
    code, said = coffee("quarantine", "reject", str(row), "--apply")
    assert (code, "--why" in said) == (BROKEN, True)
    code, said = coffee("quarantine", "reject", str(row), "--why", "no coffee", "--apply")
    assert (code, "1 rows rejected" in said) == (0, True)
    code, said = coffee("quarantine", "list", "--state", "rejected")
    assert "no coffee" in said
