"""``backfill receipts rollback`` as an operator uses it: what it shows, how it exits, what the run history keeps."""

from collections.abc import Iterator

import dagster as dg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from backfill_pipelines.backfill.pausing import pause, resume
from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN, RED, STOPPED
from backfill_pipelines.receipts.jobs import ROLLBACK_JOB
from backfill_pipelines.receipts.migration_context import writer_lease
from backfill_pipelines.runner import open_instance
from backfill_pipelines.settings import read_settings
from backfill_pipelines_tests.receipts.builders import RUN
from backfill_pipelines_tests.receipts.receipt_tables import ReceiptsPlace, image
from backfill_pipelines_tests.receipts.written_runs import WrittenRun, key_of, place_of


@pytest.fixture
def run(receipts: ReceiptsPlace, monkeypatch: pytest.MonkeyPatch) -> Iterator[WrittenRun]:
    with dg.DagsterInstance.ephemeral() as instance:
        made = WrittenRun(receipts, instance)
        variables = receipts.variables | {"BACKFILL_CONTROL_URL": made.control.url}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        made.prepare(range(4))
        made.write(range(4))
        yield made
        made.control.close()


def roll_back(*options: str) -> Result:
    return CliRunner().invoke(app, ["receipts", "rollback", "--run", RUN, *options], catch_exceptions=False)


def said(result: Result) -> str:
    return " ".join(result.output.split())


def test_it_shows_what_it_would_do_and_then_does_it(run: WrittenRun) -> None:
    run.put(3, phone_number={"S": "(555) 010-9999"})
    before = run.content
    shown = roll_back()
    assert shown.exit_code == 0, shown.output
    assert "dry run: nothing was written" in shown.output
    assert f"changed since, kept: {key_of(3).name}" in said(shown)
    assert 'phone_number: "(555) 010-0000" -> "(555) 010-9999"' in said(shown)
    assert f"next: backfill receipts rollback --run {RUN} --apply --accept-stream-events 3" in said(shown)
    assert run.content == before

    done = roll_back("--apply", "--accept-stream-events", "3")
    assert done.exit_code == 0, done.output
    assert "rollback_reconciles: PASS: 4 applied = 3 deleted + 0 restored + 0 already_absent + 1 changed_since" in said(
        done
    )
    assert [run.item(n) is None for n in range(4)] == [True, True, True, False]
    with open_instance(read_settings()) as instance:
        (newest,) = instance.get_runs(dg.RunsFilter(job_name=ROLLBACK_JOB), limit=1)
        assert newest.status is dg.DagsterRunStatus.SUCCESS
        assert newest.run_config["ops"]["rollback"]["config"]["accept_stream_events"] == 3

    again = roll_back("--apply", "--accept-stream-events", "3")
    assert again.exit_code == 0, "a rollback that was interrupted goes on with the number it was begun with"


def test_under_a_pause_it_is_refused_with_exit_2_unless_that_is_meant(run: WrittenRun) -> None:
    with open_instance(read_settings()) as instance:
        pause(instance, "receipts", reason="incident", by="lead")
        try:
            shown = roll_back("--apply", "--accept-stream-events", "4")
            assert shown.exit_code == BROKEN
            assert "receipts is paused since" in said(shown)
            assert all(run.item(n) for n in range(4))
            assert roll_back("--apply", "--accept-stream-events", "4", "--despite-pause").exit_code == 0
        finally:
            resume(instance, "receipts")
    assert not any(run.item(n) for n in range(4))


def test_a_wrong_number_is_refused_with_exit_2(run: WrittenRun) -> None:
    shown = roll_back("--apply", "--accept-stream-events", "7")
    assert shown.exit_code == BROKEN
    assert "RollbackRefused: 4 stream messages will be sent" in said(shown)
    assert all(run.item(n) for n in range(4))


def test_counting_reads_the_ledger_alone(run: WrittenRun) -> None:
    run.delete(1)
    shown = roll_back("--count-only", "--buckets", "01-02")
    assert shown.exit_code == 0
    assert said(shown) == "create 2"


def test_one_record(run: WrittenRun) -> None:
    shown = roll_back("--image-id", image(2), "--receipt-id", "1", "--apply", "--accept-stream-events", "1")
    assert shown.exit_code == 0, shown.output
    assert [run.item(n) is None for n in range(4)] == [False, False, True, False]
    assert "taken up again by: backfill receipts run --buckets 02 --apply --fetch" in said(shown)


def test_an_item_that_the_ledger_does_not_know_is_red(run: WrittenRun) -> None:
    run.store.put(place_of(9).item)
    assert roll_back().exit_code == RED


def test_a_table_that_somebody_writes_is_left_alone_with_exit_4(run: WrittenRun) -> None:
    with writer_lease(run.control, run.place.name, "run 17", "writing wave 2"):
        shown = roll_back("--apply", "--accept-stream-events", "4")
    assert shown.exit_code == STOPPED
    assert "is held by run 17 (writing wave 2)" in said(shown)
    assert all(run.item(n) for n in range(4))
