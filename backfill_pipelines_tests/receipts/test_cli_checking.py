"""``backfill receipts preflight|attest|verify|decide|cost`` as an operator uses them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN, RED
from backfill_pipelines.receipts import query_gates
from backfill_pipelines.receipts.decision_records import Choice, Evidence, latest_decision
from backfill_pipelines.receipts.decisions import decide, wave_digest
from backfill_pipelines.stores.embedded_places import EmbeddedPlaces
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image
from backfill_pipelines_tests.receipts.verified_table import BAD, Migrated, migrate


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["receipts", *arguments], catch_exceptions=False)


def said(result: Result) -> str:
    return " ".join(result.output.split())


@pytest.fixture
def migrated(receipts: ReceiptsPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Migrated:
    """A migrated table, as the environment names it."""
    for name, value in receipts.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BACKFILL_CONTROL_URL", f"sqlite:///{tmp_path / 'control.db'}")
    for name, value in (("LATENCY_SAMPLES", 2), ("_MOST_PAGES", 8), ("_SAMPLED_PAGES", 2)):
        monkeypatch.setattr(query_gates, name, value)
    made = migrate(receipts, tmp_path / "control.db")
    made.stores.control.close()
    return made


def test_a_wave_is_verified_decided_and_signed(migrated: Migrated) -> None:
    undecided = run("decide", "4", "proceed", "--who", "Ada", "--reason", "green")
    assert undecided.exit_code == BROKEN
    assert "was not verified. Repair: backfill receipts verify --wave 4" in said(undecided)

    for wave in migrated.plan.waves[:3]:
        digest = wave_digest(migrated.ledger.entries().values(), wave)
        evidence = Evidence(str(wave.number), digest, ())
        decide(migrated.stores.objects, migrated.plan, evidence, Choice.PROCEED, who="Bob", reason="green")
    migrated.stores.control.close()
    shown = run("verify", "--wave", "4")
    assert shown.exit_code == 0, shown.output
    assert "metadata_without_place: PASS" in said(shown)
    made = run("decide", "4", "proceed", "--who", "Ada", "--reason", "green")
    assert made.exit_code == 0, made.output
    assert f"{migrated.plan.plan_id} 4: proceed by Ada, valid until" in said(made)

    refused = run("decide", "completion", "proceed", "--who", "Ada", "--reason", "done")
    assert refused.exit_code == BROKEN
    assert "--role ROLE" in said(refused)
    signed = run("decide", "completion", "proceed", "--role", "data", "--who", "Ada", "--reason", "done")
    assert signed.exit_code == 0, signed.output
    assert "the engineering lead has not signed" in said(signed)

    cost = run("cost")
    assert cost.exit_code == 0, cost.output
    assert "cost_within_projection: PASS: dollars 0 of 0; calls 7 of 42" in said(cost)


def test_a_red_gate_exits_with_1_names_the_record_and_no_decision_goes_on(migrated: Migrated) -> None:
    migrated.place.store.delete({"PK": {"S": f"IMAGE#{image(0)}"}, "SK": {"S": "RECEIPT#00001#PLACE"}})
    shown = run("verify", "--wave", "1")
    assert shown.exit_code == RED
    assert f"metadata_without_place: FAIL: 4 eligible records {image(0)}/1: created" in said(shown)
    refused = run("decide", "1", "proceed", "--who", "Ada", "--reason", "never mind")
    assert refused.exit_code == BROKEN
    assert "FAIL, which nobody can accept" in said(refused)
    held = run(
        *("decide", "1", "hold", "--who", "Ada", "--reason", "a place is gone"),
        *("--accept-record", f"{image(BAD * 4)}/1"),
    )
    assert held.exit_code == 0, held.output
    made = latest_decision(migrated.stores.objects, migrated.plan.plan_id, "1")
    assert made is not None
    assert made.accepted_records == (f"{image(BAD * 4)}/1",)


@pytest.fixture
def api(migrated: Migrated) -> Iterator[None]:
    """The embedded Places stand-in of the state folder, which a command starts; it ends with the test."""
    yield
    EmbeddedPlaces(migrated.place.state / "places").stop()


@pytest.mark.usefixtures("api")
def test_preflight_names_what_is_missing_and_is_green_once_it_is_there(migrated: Migrated) -> None:
    assert migrated.place.folder.exists()
    red = run("preflight")
    assert red.exit_code == RED
    assert "readiness: FAIL: 0 of 7 attested" in said(red)
    assert run("attest", "--who", "Ada", "--item", "weather").exit_code == BROKEN
    assert run("attest", "--who", "Ada", "--item", "all").exit_code == 0
    assert "readiness: PASS: 7 of 7 attested" in said(run("preflight", "--enable-pitr"))


def test_without_a_plan_there_is_nothing_to_decide(
    receipts: ReceiptsPlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in receipts.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BACKFILL_CONTROL_URL", f"sqlite:///{tmp_path / 'control.db'}")
    shown = run("decide", "1", "hold", "--who", "Ada", "--reason", "wait")
    assert shown.exit_code == BROKEN
    assert "has no plan" in said(shown)
    broken = run("verify")
    assert broken.exit_code == BROKEN
    assert "could not be measured" in said(broken)
