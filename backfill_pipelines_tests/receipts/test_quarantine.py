"""Records that were set aside are listed, and written once their cause is mended."""

import os
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.receipts.migration_context import load_migration
from backfill_pipelines.receipts.outcomes import Reason
from backfill_pipelines.receipts.quarantine import ask_anew, quarantined, reopen
from backfill_pipelines_tests.receipts.builders import PLACE_ID, answer
from backfill_pipelines_tests.receipts.receipt_tables import image
from backfill_pipelines_tests.receipts.test_receipt_places import EMPTY_ID, GONE_ID, rows
from backfill_pipelines_tests.receipts.writing_world import World, failure, outcomes


def test_reopened_records_are_written_when_the_api_knows_their_place(here: World) -> None:
    here.places.bodies = {PLACE_ID: answer(), EMPTY_ID: answer(location=...)}
    here.prepare([*rows(0), *rows(1, place_id=GONE_ID), *rows(2, place_id=EMPTY_ID)])
    here.run()
    assert [entry.reason for entry in quarantined(here.ledger)] == ["obsolete_id", "no_coordinates"]
    here.places.bodies = {PLACE_ID: answer(), GONE_ID: answer(), EMPTY_ID: answer(location=...)}
    migration = load_migration(SimpleNamespace(**here.resources))
    report = ask_anew(migration, quarantined(here.ledger, [Reason.OBSOLETE_ID]), Reason.OBSOLETE_ID)
    assert report.http.http_attempts == 1
    assert [entry.key.image_id for entry in reopen(here.ledger, Reason.OBSOLETE_ID)] == [image(1)]
    here.release()
    result = here.run()
    assert result.success, failure(result)
    assert outcomes(here.entries().values()) == {"created": 2, "quarantined no_coordinates": 1}


def test_the_command_lists_and_reopens(here: World, monkeypatch: pytest.MonkeyPatch) -> None:
    here.prepare([*rows(0), *rows(1, place_id=GONE_ID)])
    here.run()
    for name in [name for name in os.environ if name.startswith("BACKFILL_")]:
        monkeypatch.delenv(name)
    for name, value in {**here.place.variables, "BACKFILL_CONTROL_URL": here.control.url}.items():
        monkeypatch.setenv(name, value)

    def said(*words: str) -> tuple[int, str]:
        shown = CliRunner().invoke(app, ["receipts", "quarantine", *words], catch_exceptions=False)
        return shown.exit_code, "".join(shown.output.split())

    assert f"{image(1)}/1" in said("list")[1]
    assert GONE_ID not in said("list", "--reason", "no_coordinates")[1]
    assert said("retry", "--reason", "nonsense")[0] == 2
    assert said("retry", "--reason", "obsolete_id")[1].endswith("1recordswouldbereopened.Use--apply")
    assert outcomes(here.entries().values()) == {"created": 1, "quarantined obsolete_id": 1}
    assert "1recordsreopened" in said("retry", "--reason", "obsolete_id", "--apply")[1]
    assert outcomes(here.entries().values()) == {"created": 1}
