"""``backfill promote demo``: the commands of the guide in their order, one copy killed, nothing left at the end."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.promotion.promotion_ledger import PromotionLedger
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.resources import build_items
from backfill_pipelines_tests.stores.item_servers import ENVIRONMENTS


@pytest.fixture
def trial(ministack_endpoint: str, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    assert ministack_endpoint
    for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
        monkeypatch.delenv(name)
    control = f"sqlite:///{tmp_path / 'control.db'}"
    said = {
        "STATE_DIR": state,
        "SERVERS_DIR": ENVIRONMENTS,
        "OBJECTS_URL": tmp_path / "objects",
        "CONTROL_URL": control,
    }
    for name, value in said.items():
        monkeypatch.setenv(f"BACKFILL_{name}", str(value))
    return control


def test_a_killed_copy_goes_on_is_verified_embedded_and_taken_back(trial: str) -> None:
    try:
        result = CliRunner().invoke(app, ["promote", "demo", "--images", "3", "--items", "60"], catch_exceptions=False)
    finally:
        build_all_resources(read_settings())["step_functions"].server().stop()
    assert result.exit_code == 0, result.output
    text = re.sub(r"[\s│]+", " ", result.output)
    assert "kill -9" in text or "Items written: 0 (none)" in text, "a copy may be faster than the kill"
    assert "identical 3" in text
    assert "embedding_drained: PASS" in text
    assert "embedded_since" in text
    assert "images_as_before_the_run: PASS" in text
    table = text.split("BACKFILL_PROMOTION_TARGET_TABLE='")[1].split("'")[0]
    assert not [item for page in build_items(read_settings()).store(table).scan() for item in page.items]
    control = ControlStore(url=trial)
    try:
        ledger = PromotionLedger(control, table)
        assert {str(entry.outcome) for entry in ledger.images()} <= {"rolled_back", "identical", "resumed"}
    finally:
        control.close()


def test_a_demo_never_writes_a_table_of_aws(trial: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert trial
    monkeypatch.setenv("BACKFILL_ITEMS", "dynamodb")
    refused = CliRunner().invoke(app, ["promote", "demo"])
    assert refused.exit_code == 2
    assert "the demo writes a table of the embedded server" in re.sub(r"\s+", " ", refused.output)
