"""The defensive checks: which dates they look at, what blocks, and what each mode of a run makes of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from backfill_pipelines.backfill.run_mode import RunMode
from backfill_pipelines.nba import defensive_checks as checks
from backfill_pipelines.nba.defensive_checks import Upstream, UpstreamDate
from backfill_pipelines.nba.history import ADMITTED_WITHOUT_CHECKS, HISTORICAL_GAP, Known, judge
from backfill_pipelines_tests.nba.analytics.support import REAL_DATA

OPENING = date(2021, 10, 19)
STRICT, BACKFILL = RunMode(), RunMode(backfill=True)
NOT_STRICT = RunMode(strict=False, reason="the box scores of that day are lost")
#: No games on the 2nd and the 6th.
PLAYED = [date(2021, 11, day) for day in (1, 3, 4, 5, 7, 8)]
DAY = date(2021, 11, 8)
#: The upstream tables and windows of the five phase 4 tables.
LOOKBACKS = [
    ("TeamDefenseGameSummaryProcessor", 15),
    ("PlayerGameSummaryProcessor", 10),
    ("UpcomingPlayerGameContextProcessor", 14),
]


def green(day: date) -> UpstreamDate:
    return UpstreamDate(day, is_published=True, success=True)


def red(day: date) -> UpstreamDate:
    return UpstreamDate(day, is_published=False, success=False, error="points_add_up: 3 expected vs 2")


def never_run(day: date) -> UpstreamDate:
    return UpstreamDate(day, is_published=False)


def upstream(
    days: Sequence[date] = PLAYED, processor: str = "PlayerGameSummaryProcessor", **trouble: Callable[[date], object]
) -> Upstream:
    """Green on all days but those named ``d<day>``."""
    dates = [trouble.get(f"d{day.day}", green)(day) for day in days]
    return Upstream("nba_analytics.player_game_summary", processor, dates)  # type: ignore[arg-type]


def known(looked_at: Upstream, days: int = 10) -> Known:
    return Known({DAY: True, date(2021, 11, 6): False}, [looked_at], looked_at, days)


@pytest.mark.parametrize(("processor", "window"), LOOKBACKS)
def test_a_normal_day_passes(processor: str, window: int) -> None:
    report = judge(known(upstream(processor=processor), window), [DAY], STRICT)
    measured = report.measured[str(DAY)]
    assert measured.violations == 0
    assert measured.expected == 1 + 5, "the previous run, and five dates of the window"
    assert checks.PASSED in measured.note
    assert report.issues == {}


@pytest.mark.parametrize(("processor", "window"), LOOKBACKS)
def test_a_failed_previous_run_blocks_and_says_what_to_fix(processor: str, window: int) -> None:
    measured = judge(known(upstream(processor=processor, d7=red), window), [DAY], STRICT).measured[str(DAY)]
    assert measured.violations == 2
    assert measured.sample[0] == (
        f"Upstream processor {processor} failed for 2021-11-07. Error: points_add_up: 3 expected vs 2. "
        "Fix Phase 3 for 2021-11-07 first. "
        "Repair: backfill run nba_analytics/player_game_summary --date 2021-11-07"
    )


def test_a_previous_date_without_a_run_blocks() -> None:
    sample = judge(known(upstream(d7=never_run)), [DAY], STRICT).measured[str(DAY)].sample
    assert sample[0].startswith(
        "No run found for PlayerGameSummaryProcessor on 2021-11-07. Fix Phase 3 for 2021-11-07 first."
    )


def test_a_previous_date_that_was_skipped_although_it_has_games_blocks() -> None:
    def skipped(day: date) -> UpstreamDate:
        return replace(green(day), skip_reason="expected_empty:no_games")

    sample = judge(known(upstream(d7=skipped)), [DAY], STRICT).measured[str(DAY)].sample
    assert "skipped 2021-11-07 (expected_empty:no_games), which has games" in sample[0]


def test_a_previous_date_that_was_already_done_counts() -> None:
    def done(day: date) -> UpstreamDate:
        return replace(green(day), skip_reason="already_done")

    assert judge(known(upstream(d7=done)), [DAY], STRICT).measured[str(DAY)].violations == 0


def test_a_gap_in_the_window_blocks_and_is_named() -> None:
    measured = judge(known(upstream(d4=never_run)), [DAY], STRICT).measured[str(DAY)]
    assert measured.sample == (
        (
            "1 gaps detected in historical data (2021-10-29 to 2021-11-07) of nba_analytics.player_game_summary. "
            "Missing dates: 2021-11-04. Repair: backfill run nba_analytics/player_game_summary --date 2021-11-04"
        ),
    )


def test_rows_without_a_green_run_are_a_gap() -> None:
    """A crash between publishing and its verdict leaves rows that nobody has judged."""

    def unjudged(day: date) -> UpstreamDate:
        return UpstreamDate(day, is_published=True)

    assert judge(known(upstream(d5=unjudged)), [DAY], STRICT).measured[str(DAY)].violations == 1


def test_a_date_of_an_open_repair_is_a_gap() -> None:
    """Its numbers are known to be old."""

    def stale(day: date) -> UpstreamDate:
        return replace(green(day), is_stale=True)

    assert judge(known(upstream(d5=stale)), [DAY], STRICT).measured[str(DAY)].violations == 1
    found = judge(known(upstream(d5=stale)), [DAY], BACKFILL).measured[str(DAY)]
    assert found.violations == 1
    assert found.sample[0].endswith("Repair: backfill repair run nba")
    both = judge(known(upstream(d3=red, d5=stale)), [DAY], BACKFILL).measured[str(DAY)]
    command = "backfill run nba_analytics/player_game_summary --date "
    assert f"Repair: backfill repair run nba, then {command}" in both.sample[0]


def test_a_day_off_is_no_gap() -> None:
    """The calendar rule of the original blocked four of ten good dates."""
    assert judge(known(upstream()), [DAY], STRICT).measured[str(DAY)].violations == 0


def test_a_gap_before_the_window_marks_the_rows_and_does_not_block() -> None:
    report = judge(known(upstream(d3=never_run), days=4), [DAY], STRICT)
    assert report.measured[str(DAY)].violations == 0
    assert HISTORICAL_GAP in report.measured[str(DAY)].note
    assert report.issues == {HISTORICAL_GAP: [str(DAY)]}


def test_in_a_backfill_every_hole_of_the_season_blocks() -> None:
    """A backfill skips the day-to-day checks, so it must not skip this one."""
    report = judge(known(upstream(d1=never_run), days=4), [DAY], BACKFILL)
    measured = report.measured[str(DAY)]
    assert measured.violations == 1
    assert "BACKFILL MODE: Skipping defensive checks" in measured.note
    assert "Missing dates: 2021-11-01" in measured.sample[0]
    assert report.issues == {}


def test_a_backfill_does_not_ask_for_yesterdays_run() -> None:
    """What a whole history says is more than what one run says."""

    def skipped(day: date) -> UpstreamDate:
        return replace(green(day), skip_reason="expected_empty:no_games")

    assert judge(known(upstream(d7=skipped)), [DAY], BACKFILL).measured[str(DAY)].violations == 0


def test_with_strict_mode_off_nothing_is_hidden_and_every_row_is_marked() -> None:
    report = judge(known(upstream(d7=red)), [DAY], NOT_STRICT)
    measured = report.measured[str(DAY)]
    assert measured.violations == 1, "shown; the kernel lets it pass as advisory"
    assert "STRICT MODE DISABLED: Skipping defensive checks; reason: the box scores of that day are lost" in (
        measured.note
    )
    assert report.issues == {HISTORICAL_GAP: [str(DAY)], ADMITTED_WITHOUT_CHECKS: [str(DAY)]}


def test_backfill_mode_wins_over_strict_mode() -> None:
    report = judge(known(upstream(d7=red)), [DAY], RunMode(backfill=True, strict=False, reason="both"))
    assert ADMITTED_WITHOUT_CHECKS not in report.issues


def test_the_first_date_of_a_season_has_nothing_before_it() -> None:
    looked_at = upstream(PLAYED)
    one = Known({OPENING: True}, [looked_at], looked_at, 10)
    measured = judge(one, [OPENING], STRICT).measured[str(OPENING)]
    assert measured.violations == 0
    assert checks.SEASON_START in measured.note


def test_a_date_without_games_is_admitted_whatever_came_before() -> None:
    measured = judge(known(upstream(d5=red)), [date(2021, 11, 6)], STRICT).measured["2021-11-06"]
    assert measured.violations == 0
    assert measured.note.startswith("not applicable")


def test_a_hole_of_the_last_season_does_not_reach_into_this_one() -> None:
    last_season = [never_run(date(2022, 6, 16))]
    looked_at = Upstream("nba_analytics.player_game_summary", "PlayerGameSummaryProcessor", last_season)
    opening = date(2022, 10, 18)
    one = Known({opening: True}, [looked_at], looked_at, 10)
    assert judge(one, [opening], BACKFILL).measured[str(opening)].violations == 0


@pytest.fixture(scope="module")
def real_dates() -> list[date]:
    """Dates with games that count, of both real seasons."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"the real seasons are not at {REAL_DATA}")
    import pandas as pd

    games = pd.read_parquet(REAL_DATA / "schedule.parquet")
    counted = games[games.season_type.isin(["regular_season", "play_in", "playoffs"])]
    return sorted({stamp if isinstance(stamp, date) else stamp.date() for stamp in counted.game_date})


@pytest.mark.parametrize(
    ("day", "lookback", "first", "count", "previous"),
    [
        (date(2022, 2, 24), 10, date(2022, 2, 14), 4, date(2022, 2, 17)),
        (date(2022, 2, 24), 15, date(2022, 2, 9), 9, date(2022, 2, 17)),
        (date(2021, 11, 2), 10, date(2021, 10, 23), 10, date(2021, 11, 1)),
        (date(2022, 10, 18), 10, None, 0, None),
        (date(2021, 12, 26), 10, date(2021, 12, 16), 9, date(2021, 12, 25)),
    ],
)
def test_the_windows_of_the_specification(
    real_dates: list[date], day: date, lookback: int, first: date | None, count: int, previous: date | None
) -> None:
    """V12: the All-Star break, the season's start, Christmas Eve."""
    looked_at = upstream(real_dates)
    opening = OPENING if day < date(2022, 10, 1) else date(2022, 10, 18)
    window = looked_at.before(day, max(opening, day - timedelta(days=lookback)))
    assert len(window) == count == checks.window(looked_at, day, opening, lookback).expected
    assert (window[0].day if window else None) == first
    known_before = looked_at.before(day, opening)
    assert (known_before[-1].day if known_before else None) == previous
    assert checks.previous_run(looked_at, day, opening).violations == 0
