"""Feed folders that are empty, missing or without a schedule; and dates that the calendar explains."""

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines_tests.nba.feeds_runs import PHASE_2, Pipeline, pipeline
from backfill_pipelines_tests.nba.feeds_support import DAY, DAYS, NEXT_DAY, FeedFolder, edited

SCHEDULE, BOX, LINES = "nbac_schedule", "nbac_team_boxscore", "player_lines"
SUMMARY_INPUT, SUMMARY = "team_offense_game_summary", "player_game_summary"
ROSTERS = "espn_team_rosters"
OPTIONAL = (ROSTERS, "nbac_injury_report", "odds_api_game_lines", "odds_api_player_points_props")


@pytest.fixture
def run(feeds: FeedFolder, tmp_path: Path) -> Iterator[Pipeline]:
    with pipeline(tmp_path / "run", feeds.root, in_memory=True) as found:
        yield found


def failure_text(run: Pipeline, table: str) -> str:
    """What the failed run of the two dates says."""
    result = run.run(table, DAY, NEXT_DAY)
    assert not result.success
    (event,) = (event for event in result.all_events if event.is_step_failure)
    error = event.step_failure_data.error
    return f"{error.message} {error.cause.message if error.cause else ''} {event.step_failure_data.user_failure_data}"


@pytest.mark.parametrize("what", ["no file at all", "no schedule of the season", "a damaged schedule"])
def test_without_a_schedule_every_date_is_missing_and_red(feeds: FeedFolder, run: Pipeline, what: str) -> None:
    """Nothing says which games there were, so no date may pass as one without games."""
    if what == "no file at all":
        shutil.rmtree(feeds.root)
        feeds.root.mkdir()
    elif what == "no schedule of the season":
        feeds.file("schedule").unlink()
    else:
        feeds.file("schedule").write_bytes(b'{"leagueSchedule": ')
    text = failure_text(run, SCHEDULE)
    assert "no readable schedule file of 2022-23" in text
    assert "every_season_day_is_known: 1 expected vs 0" in text
    assert "Repair: mend the cause, then: backfill run nba_raw/nbac_schedule --date 2023-04-23" in text
    assert set(run.red(SCHEDULE, DAYS)) == set(DAYS)
    assert run.states(DAY)[SCHEDULE] == "missing"
    assert run.history(SCHEDULE, DAY)["error_category"] == "DATA_AVAILABILITY"
    files = run.query("SELECT reason_code, table_name FROM nba_reference.file_quarantine")
    damaged = [{"reason_code": "corrupt_file", "table_name": "nba_raw.nbac_schedule"}]
    assert files == (damaged if what == "a damaged schedule" else [])


def test_what_reads_a_missing_schedule_is_refused_with_its_reason(feeds: FeedFolder, run: Pipeline) -> None:
    feeds.file("schedule").unlink()
    assert not run.run(SCHEDULE, DAY, NEXT_DAY).success
    text = failure_text(run, BOX)
    assert "upstream_is_complete: 1 expected vs 0" in text
    assert "no readable schedule file of 2022-23" in text
    history = run.history(BOX, DAY)
    assert (history["status"], history["processing_decision"]) == ("failed", "refused")
    assert history["error_category"] == "DEFENSIVE_BLOCK"


def test_a_table_that_nobody_ran_before_is_named_with_the_command_to_run(run: Pipeline) -> None:
    text = failure_text(run, BOX)
    assert (
        "Upstream nba_raw/nbac_schedule is not complete for 2023-04-23: not published. "
        "Repair: backfill run nba_raw/nbac_schedule --date 2023-04-23" in text
    )


def test_a_missing_feed_folder_is_an_error_of_the_run_and_not_of_the_dates(feeds: FeedFolder, run: Pipeline) -> None:
    """A mistyped folder or a bucket that is down: the run fails, says what to do, and publishes nothing."""
    shutil.rmtree(feeds.root)
    result = run.run(SCHEDULE, DAY, NEXT_DAY)
    assert not result.success
    history = run.history(SCHEDULE, DAY)
    assert history["error_category"] == "INFRASTRUCTURE"
    assert history["error_message"].startswith(f"StoreError: the feed folder {feeds.root} does not exist. Repair: set")
    assert (history["status"], history["processing_decision"], history["attempt"]) == ("failed", "crashed", 2)
    assert run.rows(SCHEDULE, DAY) == []


def test_a_schedule_that_comes_later_makes_the_dates_green(feeds: FeedFolder, run: Pipeline) -> None:
    path = feeds.file("schedule")
    content = path.read_bytes()
    path.write_bytes(content[:-50])
    assert not run.run(SCHEDULE, DAY, NEXT_DAY).success
    path.write_bytes(content)
    assert all(run.run_all(PHASE_2, DAY, NEXT_DAY).values())
    statuses = run.statuses(DAYS)
    assert all(statuses[table].is_green and statuses[table].states["complete"] == 2 for table in PHASE_2)
    assert run.query("SELECT * FROM nba_reference.file_quarantine WHERE resolved_at IS NULL") == []


def test_without_any_optional_feed_every_date_is_green_and_says_what_it_lacks(feeds: FeedFolder, run: Pipeline) -> None:
    """Rosters, reports and odds enrich; a season that has none of them is a good season, and may get them later."""
    elsewhere, folders = feeds.root.with_name("elsewhere"), ("espn", "odds-api", "nba-com/injury-report-data")
    for folder in folders:
        shutil.move(feeds.root / folder, elsewhere / folder)
    assert all(run.run_all((*PHASE_2, SUMMARY_INPUT, SUMMARY), DAY, NEXT_DAY).values())
    statuses = run.statuses(DAYS)
    assert all(statuses[table].is_green for table in (*PHASE_2, SUMMARY))
    for table in OPTIONAL:
        assert (statuses[table].states["missing"], statuses[table].gates_advisory) == (2, 2)
        assert run.failed_gates(table, DAY, blocking=False) == {"every_expected_game_is_covered"}
    assert {row["points_line"] for row in run.rows(SUMMARY, DAY)} == {None}

    for folder in folders:
        shutil.move(elsewhere / folder, feeds.root / folder)
    assert all(run.run_all((*OPTIONAL, SUMMARY), DAY, NEXT_DAY).values())
    assert all(run.statuses(DAYS)[table].states["complete"] == 2 for table in OPTIONAL)
    assert {row["points_line_source"] for row in run.rows(SUMMARY, DAY)} == {"draftkings", None}


def test_an_unfinished_game_of_a_past_date_keeps_that_date_red_alone(feeds: FeedFolder, run: Pipeline) -> None:
    """The capture is older than the game; its result is not known yet."""
    with edited(feeds.file("schedule")) as document:
        document["leagueSchedule"]["gameDates"][0]["games"][0] |= {"gameStatus": 2, "gameStatusText": "Q4"}
    assert not run.run(SCHEDULE, DAY, NEXT_DAY).success
    assert set(run.red(SCHEDULE, DAYS)) == {DAY}
    assert run.failed_gates(SCHEDULE, DAY) == {"no_past_game_is_unfinished"}
    assert not run.run(BOX, DAY, NEXT_DAY).success
    assert (len(run.rows(BOX, DAY)), len(run.rows(BOX, NEXT_DAY))) == (0, 4)


def test_a_conflict_within_the_schedule_keeps_its_date_red_alone(feeds: FeedFolder, run: Pipeline) -> None:
    with edited(feeds.file("schedule")) as document:
        games = document["leagueSchedule"]["gameDates"][0]["games"]
        games.append(games[0] | {"arenaName": "Another Arena"})
    assert not run.run(SCHEDULE, DAY, NEXT_DAY).success
    assert set(run.red(SCHEDULE, DAYS)) == {DAY}
    assert run.failed_gates(SCHEDULE, DAY) == {"every_season_day_is_known"}
    assert {row["reason_code"] for row in run.quarantine("row", DAY)} == {"conflicting_duplicate"}


def test_conflicting_lines_of_a_player_keep_the_feed_red_and_the_other_source_fills_the_date(
    feeds: FeedFolder, run: Pipeline
) -> None:
    with edited(feeds.file("gamebook")) as book:
        entry = book["active_players"][0]
        book["active_players"].append(entry | {"stats": entry["stats"] | {"assists": 40}})
    done = run.run_all(PHASE_2, DAY, NEXT_DAY)
    assert [table for table, is_green in done.items() if not is_green] == ["nbac_gamebook_player_stats"]
    assert run.failed_gates("nbac_gamebook_player_stats", DAY) == {"files_parsed_and_keys_unique"}
    assert {row["source"] for row in run.rows(LINES, DAY)} == {"bdl_boxscores"}
    assert {row["source"] for row in run.rows(LINES, NEXT_DAY)} == {"nbac_gamebook"}


def test_absent_players_of_the_fallback_are_no_lines(feeds: FeedFolder, run: Pipeline) -> None:
    """ball-dont-lie lists them with zeros."""
    for path in feeds.root.glob(f"nba-com/gamebooks-data/{DAY}/*/*.json"):
        path.unlink()
    assert all(run.run_all(PHASE_2, DAY, NEXT_DAY).values())
    listed, lines = run.rows("bdl_player_boxscores", DAY), run.rows(LINES, DAY)
    played = {(r["game_id"], r["player_lookup"]) for r in listed if r["minutes_decimal"] > 0}
    assert {(r["game_id"], r["player_lookup"]) for r in lines} == played
    assert len(listed) > len(played)


def test_dates_without_counted_games_are_explained_from_the_schedule(tmp_path: Path) -> None:
    """Vector V14: exhibitions only, and no games; green, with zero rows and the reason."""
    friday, saturday = date(2023, 2, 17), date(2023, 2, 18)
    write_feeds(tmp_path / "feeds", seed=7, first=date(2023, 2, 16), last=date(2023, 2, 19))
    with pipeline(tmp_path / "run", tmp_path / "feeds", in_memory=True) as run:
        assert all(run.run_all(PHASE_2, friday, saturday).values())
        assert len(run.rows(SCHEDULE, friday)) > 0
        states = {day: run.states(day) for day in (friday, saturday)}
        for table in PHASE_2:
            found = [(run.history(table, day)["skip_reason"], states[day][table]) for day in (friday, saturday)]
            assert found == [
                (None, "complete") if table == SCHEDULE else ("expected_empty:exhibition_only", "expected_empty"),
                ("expected_empty:no_games", "expected_empty"),
            ]
            assert table == SCHEDULE or run.rows(table, friday) == []


def test_a_cup_final_is_on_the_schedule_and_nowhere_else(feeds: FeedFolder, run: Pipeline) -> None:
    """Vector V14: the league leaves it out of its statistics; so do the tables."""
    with edited(feeds.file("schedule")) as document:
        (games,) = (d["games"] for d in document["leagueSchedule"]["gameDates"] if d["gameDate"].startswith("04/23"))
        games[:] = [games[0] | {"gameId": f"006{games[0]['gameId'][3:]}"}]
    assert all(run.run_all(PHASE_2, DAY, NEXT_DAY).values())
    assert [row["game_type"] for row in run.rows(SCHEDULE, DAY)] == ["cup_final"]
    assert {run.states(NEXT_DAY)[table] for table in PHASE_2} == {"complete"}
    for table in PHASE_2[1:]:
        if table == ROSTERS:  # a roster is worth keeping on a day without games
            assert (run.states(DAY)[table], len(run.rows(table, DAY))) == ("complete", 6 * 15)
            continue
        assert run.rows(table, DAY) == []
        assert run.history(table, DAY)["skip_reason"] == "expected_empty:excluded_competition"
    codes = {row["reason_code"] for row in run.quarantine("file", DAY)}
    assert codes == {"unknown_game", "unsupported_competition"}


def test_a_newer_damaged_capture_is_recorded_and_closed_while_its_date_stays_green(
    feeds: FeedFolder, run: Pipeline
) -> None:
    """The older capture stands in; whoever looks at the date is told so."""
    books = "nbac_gamebook_player_stats"
    newer = feeds.again(feeds.file("gamebook"), "20230424_180000", b'{"date": ')
    assert all(run.run_all((SCHEDULE, "nbac_starting_lineups", books), DAY, NEXT_DAY).values())
    (entry,) = run.quarantine("file", DAY)
    assert (entry["object_key"], entry["reason_code"]) == (feeds.key(newer), "corrupt_file")
    warnings = json.loads(run.history(books, DAY)["warnings"])
    assert f"newer_capture_corrupt: {feeds.key(newer)}" in warnings
    assert json.loads(run.history(books, NEXT_DAY)["warnings"]) == []
    newer.unlink()
    assert run.run(books, DAY).success
    assert run.quarantine("file", DAY) == []
    assert len(run.quarantine("file", DAY, resolved=True)) == 1
    assert run.history(books, DAY)["processing_decision"] == "already_done"
