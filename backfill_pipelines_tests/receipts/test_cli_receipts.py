"""``backfill receipts`` as an operator uses it: what it prints, how it exits, what it leaves behind."""

import json
import socket
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN, RED
from backfill_pipelines.receipts.manifest import latest_manifest
from backfill_pipelines_tests.receipts.real_rows import DATA, needs_real_rows
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, receipt_of, row_of

SEED = DATA / "receipt_metadatas.jsonl"


@pytest.fixture
def place(receipts: ReceiptsPlace, monkeypatch: pytest.MonkeyPatch) -> ReceiptsPlace:
    for name, value in receipts.variables.items():
        monkeypatch.setenv(name, value)
    return receipts


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["receipts", *arguments], catch_exceptions=False)


def said(result: Result) -> str:
    """What was printed, without the lines that a narrow screen makes of it."""
    return " ".join(result.output.split())


@needs_real_rows
def test_a_seeded_assessment_prints_the_numbers_of_the_plan_and_writes_nothing(
    place: ReceiptsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BACKFILL_RECEIPTS_TABLE")
    for _ in range(2):
        shown = run("assess", "--seed", str(SEED))
        assert shown.exit_code == 0
        for text in (
            "3 major: 1f-71",
            "ChIJW__ceXS4toW__ceXS4t4kRF4oEJPDO31o",
            "52.3 %",
            "Enterprise",
            "not in source",
        ):
            assert text in shown.output
        (total,) = [line.split("│")[2] for line in shown.output.splitlines() if "rows scanned" in line]
        assert int(total) == 178
    assert not place.folder.exists()
    assert not any(page.items for page in place.store.scan())


def test_the_inventory_writes_the_manifest_and_says_where(place: ReceiptsPlace) -> None:
    place.load([row_of(1), receipt_of(1), row_of(2)])
    shown = run("inventory")
    assert shown.exit_code == 0, shown.output
    manifest = latest_manifest(place.objects, place.name)
    assert manifest is not None
    assert f"{manifest.run_id} digest {manifest.digest}" in said(shown)
    assert manifest.by_reason["receipt_missing"] == 1


def test_a_red_inventory_exits_with_1_and_names_the_rows(place: ReceiptsPlace) -> None:
    place.load([row_of(1, SK="METADATA"), row_of(2)])
    shown = run("inventory")
    assert shown.exit_code == RED
    assert "malformed_ratio: FAIL: 1 of 2" in said(shown)
    assert "METADATA: sk_unparsable" in said(shown)


@pytest.mark.parametrize("command", ["assess", "inventory"])
def test_a_missing_table_name_is_one_error(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("BACKFILL_RECEIPTS_TABLE", raising=False)
    shown = run(command)
    assert shown.exit_code == BROKEN
    assert "SettingsError: no receipts table is named. Repair: set BACKFILL_RECEIPTS_TABLE" in said(shown)


@pytest.mark.parametrize("command", ["assess", "inventory"])
def test_a_table_that_is_not_there_is_one_error(
    command: str, place: ReceiptsPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_RECEIPTS_TABLE", f"{place.name}-no")
    shown = run(command)
    assert shown.exit_code == BROKEN
    assert f"TableMissing: {place.name}-no" in said(shown)


@pytest.mark.parametrize("command", ["assess", "inventory"])
def test_a_server_that_does_not_answer_is_one_error_at_once(
    command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket() as nobody:  # bound, not listening
        nobody.bind(("127.0.0.1", 0))
        for name, value in {
            "BACKFILL_STATE_DIR": str(tmp_path),
            "BACKFILL_ITEMS": "dynamodb",
            "BACKFILL_DYNAMODB_ENDPOINT": f"http://127.0.0.1:{nobody.getsockname()[1]}",
            "BACKFILL_RECEIPTS_TABLE": "Receipts",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }.items():
            monkeypatch.setenv(name, value)
        shown = run(command)
        assert shown.exit_code == BROKEN
        assert "NoAnswer: Receipts: DescribeTable" in said(shown)
        assert "--seed fills a table of the embedded server" in said(run("assess", "--seed", "rows.jsonl"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        ("", "has no rows"),
        ("{", "line 1 is no JSON"),
        (json.dumps({"image_id": "a", "receipt_id": "1"}), "line 1: Repair: a row needs"),
    ],
    ids=["no file", "empty", "no JSON", "no row"],
)
def test_a_seed_that_cannot_be_loaded_is_one_error(
    content: str | None, complaint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "state"))
    file = tmp_path / "rows.jsonl"
    if content is not None:
        file.write_text(content)
    shown = run("assess", "--seed", str(file))
    assert shown.exit_code == BROKEN
    assert complaint in said(shown)
