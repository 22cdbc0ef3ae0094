"""The command line as an operator uses it: what it prints, how it exits, what it leaves behind."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from backfill_pipelines.backfill.failures import StoreError
from backfill_pipelines.cli import app
from backfill_pipelines.cli_console import BROKEN, RED
from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines.stores.duckdb import DuckDBSession

#: The opening of the season: tables that read history need it from there.
FIRST, LAST = "2022-10-18", "2022-10-21"
RANGE = ["--from", FIRST, "--to", LAST]
TEAM_BOX = "nba_raw/nbac_team_boxscore"
TEAM_OFFENSE = "nba_analytics/team_offense_game_summary"


class Shell:
    """A state folder with four days of feeds, and the command."""

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch) -> None:
        self.folder, self.feeds = folder, folder / "raw"
        self.state, self.demo = folder / "state", ""
        environment.setenv("BACKFILL_STATE_DIR", str(self.state))
        environment.setenv("BACKFILL_LOCK_TIMEOUT_SECONDS", "0.5")
        days = date.fromisoformat(FIRST), date.fromisoformat(LAST)
        write_feeds(self.feeds, seasons=("2022-23",), first=days[0], last=days[1])

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), catch_exceptions=False)

    def box_score(self, day: str) -> Path:
        return sorted((self.feeds / "nba-com/team-boxscore" / day).rglob("*.json"))[0]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The main job has run once on good feeds."""
    with pytest.MonkeyPatch.context() as environment:
        made = Shell(tmp_path_factory.mktemp("cli"), environment)
        done = made("demo", "--feeds", str(made.feeds), *RANGE)
        assert done.exit_code == 0, done.output
        assert "all gates are green" in done.output
        made.demo = done.output
        yield made


def test_the_main_job_ends_with_a_table_of_every_table(shell: Shell) -> None:
    shown = shell("status", *RANGE)
    assert shown.exit_code == 0
    for name in ("nbac_schedule", "player_lines", "team_defense_game_summary"):
        assert name in shown.output
    assert "expected_empty" in shown.output


def test_the_main_job_shows_the_live_gate_which_decides_nothing_there(shell: Shell) -> None:
    text = " ".join(shell.demo.split())
    assert "READY FOR STAGE 3" in text
    assert "Gate 3 is about live operation, which comes after this backfill and decides nothing here:" in text
    assert "END-TO-END FAILED at nba_raw/nbac_schedule" in text.partition("decides nothing here:")[2]


def test_a_missing_file_makes_its_date_red_names_the_game_and_the_repair(shell: Shell) -> None:
    file = shell.box_score("2022-10-19")
    content = file.read_bytes()
    file.unlink()
    red = shell("run", TEAM_BOX, *RANGE)
    assert red.exit_code == RED
    assert "1 of 4 partitions" in red.output
    assert "two_rows_per_expected_game" in red.output
    assert f"backfill run {TEAM_BOX} --date 2022-10-19" in red.output
    refused = shell("run", "nba_raw/player_lines", "--date", "2022-10-19")
    assert refused.exit_code == RED
    assert f"{TEAM_BOX} 2022-10-19" in refused.output
    assert shell("status", *RANGE).exit_code == RED
    file.write_bytes(content)
    for asset in (TEAM_BOX, "nba_raw/player_lines"):
        assert shell("run", asset, "--date", "2022-10-19").exit_code == 0
    assert shell("status", *RANGE).exit_code == 0


def test_a_paused_table_is_not_run_until_it_is_resumed(shell: Shell) -> None:
    paused = shell("pause", TEAM_BOX, "--reason", "feed under repair", "--by", "ops")
    assert paused.exit_code == 0, paused.output
    again = ["run", TEAM_BOX, "--date", "2022-10-19"]
    stopped = shell(*again)
    assert stopped.exit_code == BROKEN
    text = " ".join(stopped.output.split())
    assert f"stopped before {TEAM_BOX} 2022-10-19 to 2022-10-19: {TEAM_BOX} is paused since " in text
    assert f"by ops: feed under repair. Resume: backfill resume {TEAM_BOX}" in text
    shown = shell("status", *RANGE)
    assert shown.exit_code == 0
    assert "by ops: feed under repair" in " ".join(shown.output.split())
    assert shell("run", TEAM_OFFENSE, "--date", "2022-10-19").exit_code == 0, "nothing else is paused"
    assert f"resumed: {TEAM_BOX}, paused since " in shell("resume").output
    assert shell(*again).exit_code == 0
    assert shell("resume").output.strip() == "nothing is paused"


def test_a_pause_of_nothing_is_an_error_that_names_what_there_is(shell: Shell) -> None:
    wrong = shell("pause", "nba_rwa", "--reason", "typing")
    assert wrong.exit_code == BROKEN
    assert "no asset or dataset nba_rwa. Repair: use one of " in " ".join(wrong.output.split())
    assert shell("pause", "nba_raw").exit_code == BROKEN, "without a reason"


def test_a_red_raw_date_closes_the_gate_and_the_next_phase_until_it_is_mended(shell: Shell) -> None:
    """A backfill of phase 3 over raw dates that nobody has checked would have to be done again."""
    file, again = shell.box_score("2022-10-19"), ["run", TEAM_OFFENSE, "--date", "2022-10-18"]
    content = file.read_bytes()
    file.unlink()
    assert shell("run", TEAM_BOX, "--date", "2022-10-19").exit_code == RED
    red = shell("gate", "nba", "0", *RANGE)
    assert red.exit_code == RED
    assert "PHASE 2 INCOMPLETE - CANNOT START: 0 of 4 unexplained; red: " in red.output
    assert f"{TEAM_BOX} 2022-10-19: two_rows_per_expected_game" in red.output
    refused = shell(*again)
    assert refused.exit_code == RED
    assert "phase_2_is_complete_2022_23 is red. Repair: backfill gate nba 0" in refused.output
    file.write_bytes(content)
    assert shell("run", TEAM_BOX, "--date", "2022-10-19").exit_code == 0
    assert shell(*again).exit_code == RED, "mended is not measured"
    green = shell("gate", "nba", "0", *RANGE)
    assert green.exit_code == 0
    assert "READY TO START: 4 of 4 schedule dates accounted for, 0 unexplained" in green.output
    assert shell(*again).exit_code == 0


def test_a_gate_says_what_it_stands_on_and_what_it_did_not_judge(shell: Shell) -> None:
    shown = shell("gate", "nba", "1", *RANGE)
    assert shown.exit_code == 0, shown.output
    assert "READY FOR STAGE 2" in shown.output
    assert "2022-23 2022-10-18 to 2022-10-21, 4 schedule dates (part of the season)" in shown.output
    assert "not judged: 2021-22, 2023-24" in shown.output
    assert "| 2022-23 | nba_analytics.player_game_summary | True | 4 |" in shown.output


def test_the_live_gate_is_red_without_a_current_season(shell: Shell) -> None:
    red = shell("gate", "nba", "3")
    assert red.exit_code == RED
    assert "END-TO-END FAILED at nba_raw/nbac_schedule" in red.output
    assert "no open season is loaded" in red.output
    assert "the latest run was started by cli" in red.output


def test_the_main_job_stops_at_a_red_gate(shell: Shell) -> None:
    file = shell.box_score("2022-10-20")
    content = file.read_bytes()
    file.unlink()
    red = shell("demo", "--feeds", str(shell.feeds), *RANGE)
    assert red.exit_code == RED
    assert "PHASE 2 INCOMPLETE - CANNOT START" in red.output
    assert "nba_analytics/team_offense_game_summary  " not in red.output.split("PHASE 2 INCOMPLETE")[0]
    file.write_bytes(content)
    done = shell("demo", "--feeds", str(shell.feeds), *RANGE)
    assert done.exit_code == 0, done.output


def test_an_accepted_gap_lets_its_date_through_as_reconstructed(shell: Shell) -> None:
    file = shell.box_score("2022-10-21")
    content = file.read_bytes()
    file.unlink()
    red = shell("run", TEAM_BOX, "--date", "2022-10-21")
    game = red.output.split("e.g. ")[1].split("/")[0]
    accepted = shell(
        "accept-gap", "nba_raw.nbac_team_boxscore", "2022-10-21", game, "--reason", "lost", "--by", "the tests"
    )
    assert accepted.exit_code == 0, accepted.output
    for asset in (TEAM_BOX, "nba_raw/player_lines", "nba_analytics/team_offense_game_summary"):
        done = shell("run", asset, "--date", "2022-10-21")
        assert done.exit_code == 0, done.output
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nba_raw/nothing", "--date", FIRST], "no asset nba_raw/nothing"),
        (["run", TEAM_BOX, "--date", "2022-08-01"], "2022-08-01"),
        (["run", TEAM_BOX, "--date", "yesterday"], "'yesterday' is no date"),
        (["run", TEAM_BOX], "nothing chosen"),
        (["run", TEAM_BOX, "--date", "[/red]"], "'[/red]' is no date"),
        (["run", TEAM_BOX, "--date", FIRST, "--on-error", "nonsense"], "'nonsense' is not one of"),
        (["run", TEAM_BOX, "--from", LAST, "--to", FIRST], f"no day from {LAST} to {FIRST}"),
        (["status", "--from", "2031-01-01"], "no day from 2031-01-01"),
        (["demo", "--from", "2031-01-01"], "no day from 2031-01-01"),
        (["demo", "--season", "1999-00"], "no sample of season 1999-00. Repair: use 2021-22, 2022-23"),
        (["demo", "--season", "2021-22"], "already holds feeds, without 2021-22"),
        (["accept-gap", "nba_raw.nothing", FIRST, "x", "--reason", "r", "--by", "b"], "no raw table"),
        (["accept-gap", "nba_raw.player_lines", FIRST, "x", "--reason", "r", "--by", "b"], "x is not expected"),
        (["demo", "--feeds", "/no/such/folder"], "does not exist"),
        (["gate", "nba", "0", "--season", "1999-00"], "no season 1999-00"),
    ],
)
def test_a_wrong_word_is_one_clear_error(shell: Shell, arguments: list[str], said: str) -> None:
    result = shell(*arguments)
    assert result.exit_code == BROKEN
    assert said in result.output
    assert "Traceback" not in result.output


def test_a_choice_that_a_table_does_not_allow_fails_at_once_with_its_repair(shell: Shell) -> None:
    result = shell("run", "nba_analytics/upcoming_team_game_context", "--date", FIRST, "--on-error", "continue")
    text = " ".join(result.output.split())
    assert result.exit_code == RED
    assert "on_error=continue is not for a table that reads earlier dates" in text
    assert "Repair: use stop" in text
    assert "max_retries" not in text
    assert "Stack Trace" not in text


def test_a_crash_says_what_went_wrong_and_not_how_often_it_was_tried(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise StoreError("the store [/x] is on fire")

    monkeypatch.setattr(DuckDBSession, "staged", broken)
    monkeypatch.setattr("backfill_pipelines.backfill.gated_assets._RETRIES", 0)
    result = shell("run", TEAM_BOX, "--date", FIRST)
    text = " ".join(result.output.split())
    assert result.exit_code == RED
    assert "StoreError: the store [/x] is on fire Repair: mend the cause, then give the command again; run " in text
    assert "max_retries" not in text
    assert "Stack Trace" not in text


def test_a_date_whose_history_has_a_hole_goes_through_without_strict_mode_and_says_why(shell: Shell) -> None:
    """As the documents write it: --backfill-mode, --strict-mode; off needs a reason."""
    table = "nba_precompute/player_daily_cache"
    live = shell("run", table, "--date", LAST, "--no-backfill-mode")
    assert live.exit_code == 0, live.output
    refused = shell("run", table, "--date", LAST, "--no-backfill-mode", "--no-strict-mode")
    assert refused.exit_code == RED
    assert "strict_mode=false needs a reason" in " ".join(refused.output.split())
    reason = ["--reason", "the box score of the week is lost"]
    passed = shell("run", table, "--date", LAST, "--no-backfill-mode", "--no-strict-mode", *reason)
    assert passed.exit_code == 0, passed.output


def test_a_state_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "file" / "state"))
    result = CliRunner().invoke(app, ["status"], catch_exceptions=False)
    assert result.exit_code == BROKEN
    assert "NotADirectoryError" in result.output
    assert "Repair: look at the path" in " ".join(result.output.split())


def test_feeds_that_would_not_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("BACKFILL_FEEDS_URL", str(tmp_path / "elsewhere"))
    result = CliRunner().invoke(app, ["demo", "--feeds", str(tmp_path)])
    assert result.exit_code == BROKEN
    assert "would not be read" in " ".join(result.output.split())


def test_feeds_that_were_linked_and_are_gone_are_not_replaced_by_sample_feeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "feeds").symlink_to(tmp_path / "gone")
    result = CliRunner().invoke(app, ["demo"])
    assert result.exit_code == BROKEN
    assert "which is gone" in " ".join(result.output.split())


def test_a_folder_without_a_schedule_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKFILL_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "empty").mkdir()
    result = CliRunner().invoke(app, ["demo", "--feeds", str(tmp_path / "empty")])
    assert result.exit_code == BROKEN
    assert "no season schedule" in result.output


def test_a_warehouse_file_in_another_process_is_named_with_its_pid(shell: Shell) -> None:
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(shell.state / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        result = shell("status", *RANGE)
        assert result.exit_code == BROKEN
        assert str(holder.pid) in result.output
        holder.communicate("")
    assert shell("status", *RANGE).exit_code in (0, RED)


def test_up_says_where_things_are_and_down_without_a_ui_is_no_error(shell: Shell) -> None:
    up = shell("up")
    assert up.exit_code == 0
    assert "warehouse.duckdb" in up.output.replace("\n", "")
    assert "starts when it is needed" in up.output
    down = shell("down").output
    assert "no UI was running" in down
    assert "no embedded server was running" in down
