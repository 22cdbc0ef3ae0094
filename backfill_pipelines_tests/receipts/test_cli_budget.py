"""``backfill receipts budget``: what was spent, whether calls are stopped, and how they are let on again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN, RED
from backfill_pipelines.receipts.fetch_report import PlacesStopped
from backfill_pipelines.stores.places_standin_state import Does, Fault
from backfill_pipelines_tests.receipts.places_world import PlacesWorld, ids, places_world


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PlacesWorld]:
    with places_world(tmp_path) as found:
        monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "state"))
        monkeypatch.setenv("BACKFILL_CONTROL_URL", found.control.url)
        monkeypatch.setenv("BACKFILL_PLACES", "google")
        monkeypatch.setenv("BACKFILL_PLACES_ENDPOINT", found.served.url)
        monkeypatch.setenv("BACKFILL_PLACES_KEY", "embedded")
        yield found


def budget(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["receipts", "budget", *arguments], catch_exceptions=False)
    return result.exit_code, " ".join(result.output.split())


def test_the_spend_is_shown_by_month_sku_and_run(world: PlacesWorld) -> None:
    world.settings = {"free_calls": 0}
    world.fetch(ids(4), run_id="rp-1")
    world.fetch(ids(6), run_id="rp-2")
    code, said = budget()
    assert code == 0
    for text in ("rp-1", "0.08", "rp-2", "0.04", "0.12", "Place Details Enterprise", "budget $50"):
        assert text in said, json.dumps(said)


def test_a_stop_is_red_until_the_key_is_proven(world: PlacesWorld) -> None:
    world.state.script.from_request[1] = Fault(Does.FORBIDDEN)
    with pytest.raises(PlacesStopped):
        world.fetch(ids(2))
    code, said = budget()
    assert code == RED
    assert "auth_error" in said
    assert "budget --resume" in said
    assert budget("--resume")[0] == BROKEN
    world.state.script.from_request.clear()
    assert budget("--resume")[0] == 0
    assert world.fetch(ids(2)).is_complete
