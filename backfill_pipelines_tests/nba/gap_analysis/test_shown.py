"""How the reports reach people: the command, the asset, the picture."""

import base64
import csv
import io
import struct
from pathlib import Path

import dagster as dg
import pytest
from click.testing import Result
from typer.testing import CliRunner

from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN
from backfill_pipelines.nba.calendar_picture import COLOURS, draw_calendar
from backfill_pipelines.nba.gap_asset import KEY, ROWS_SHOWN, build_gap_analysis, markdown
from backfill_pipelines.nba.gap_reports import REPORTS
from backfill_pipelines.nba.table_days import TableDay
from backfill_pipelines_tests.nba.gap_analysis.conftest import CLOSING, EXHIBITION, MONDAY, OPENING, TUESDAY
from backfill_pipelines_tests.nba.gap_analysis.world import World, days_between


@pytest.fixture
def shell(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The command on the week; its tables follow from the real catalog."""
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("BACKFILL_DUCKDB_PATH", world.warehouse.path)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["gaps", "nba", *arguments], catch_exceptions=False)

    return run


def test_the_list_has_every_report_with_its_rows_and_its_worst(shell) -> None:
    done = shell()
    assert done.exit_code == 0
    assert all(report.name in done.output for report in REPORTS)
    assert "tables_missing" in done.output


def test_one_report_is_a_table(shell) -> None:
    done = shell("--report", "q02", "--from", "2022-01-03", "--to", "2022-01-04")
    assert done.exit_code == 0
    assert "player_game_summary" in done.output
    assert "1 rows" in done.output


def test_csv_can_be_piped(shell) -> None:
    done = shell("--report", "q02", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert rows[0].keys() == {"game_date", "tables_missing", "states"}
    found = {row["game_date"]: row["tables_missing"].split() for row in rows}
    assert "nba_analytics.player_game_summary" in found["2022-01-03"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--report", "q99"], "no report q99"),
        (["--csv"], "add --report"),
        (["--from", "2022-02-01", "--to", "2022-01-01"], "swap"),
        (["--from", "soon"], "'soon' is no date"),
    ],
)
def test_a_wrong_word_is_one_clear_error(shell, arguments: list[str], said: str) -> None:
    done = shell(*arguments)
    assert done.exit_code == BROKEN
    assert said in done.output


def test_the_asset_shows_every_report_and_the_calendar(history: World) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([build_gap_analysis()], instance=instance, resources={"warehouse": history.warehouse})
    assert done.success
    (event,) = done.asset_materializations_for_node(KEY.to_python_identifier())
    assert {report.name for report in REPORTS} < set(event.metadata)
    assert "2022-01-03 | nba_analytics.player_game_summary" in str(event.metadata["q02_missing_phase3"].value)
    calendar = str(event.metadata["backfill/calendar"].value)
    assert base64.b64decode(calendar.split("base64,")[1].rstrip(")")).startswith(b"\x89PNG")
    assert event.metadata["backfill/open_required"].value == 6
    assert event.metadata["backfill/open_optional"].value == 3


def test_a_long_report_is_cut_and_says_how_long_it_is(world: World) -> None:
    world.schedule(*(f"202203{day:02d}_BOS_NYK" for day in range(1, 31)))
    text = markdown(world.reading("q02", OPENING, CLOSING)).md_str or ""
    assert f"32 rows, the first {ROWS_SHOWN} shown" in text
    assert len(text.splitlines()) == ROWS_SHOWN + 4


def test_the_calendar_is_1200_pixels_wide_whatever_it_shows(week: World) -> None:
    states = list(week.states(OPENING, CLOSING).values())
    for days in (states, states[:1], []):
        width, height = struct.unpack(">II", draw_calendar(days, "title")[16:24])
        assert width == 1200
        assert height < 1200


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        ("complete", None, "complete"),
        ("partial", None, "partial"),
        ("missing", None, "missing"),
        ("missing", "schedule_not_loaded", "schedule not loaded"),
        ("stale", None, "stale"),
        ("quarantined", None, "quarantined"),
        ("unrecoverable", None, "unrecoverable"),
        ("expected_empty", "bootstrap", "expected empty"),
        ("expected_empty", "no_games", "no games"),
    ],
)
def test_every_state_has_a_colour_of_its_own(state: str, reason: str | None, shown: str) -> None:
    day = TableDay("nba_raw.player_lines", MONDAY, "2021-22", state, reason)
    assert draw_calendar([day], "t")
    assert day.shown_as == shown
    assert day.is_accounted == (shown not in ("stale", "partial", "missing", "schedule not loaded"))
    assert len(set(COLOURS.values())) == len(COLOURS)


def test_a_hole_changes_the_picture() -> None:
    good = [TableDay("a.b", day, "2021-22", "complete") for day in days_between(MONDAY, EXHIBITION)]
    holed = [TableDay("a.b", day.day, "2021-22", "missing") if day.day == TUESDAY else day for day in good]
    assert draw_calendar(good, "t") == draw_calendar(good, "t")
    assert draw_calendar(good, "t") != draw_calendar(holed, "t")
