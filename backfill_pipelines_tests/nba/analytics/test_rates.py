"""Usage, pace, ratings and shooting of hand-made games: zero denominators, overtime, rounding."""

from decimal import Decimal

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import GAMEBOOK, PLAYER_LINES, TEAM_BOXSCORE
from backfill_pipelines_tests.nba.analytics.builders import (
    AWAY,
    GAME,
    HOME,
    NO_LINE,
    Row,
    changed,
    gamebook,
    player_of,
    raw_rows,
    team_box,
)
from backfill_pipelines_tests.nba.analytics.tables import Tables

PLAYER = player_of(AWAY, 1)
RATES = ("usage_rate", "ts_pct", "efg_pct")


def player_with(tables: Tables, **line: object) -> Row:
    tables.publish({GAMEBOOK: changed(raw_rows()[GAMEBOOK], PLAYER, **line)})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    return tables.rows(PLAYER_SUMMARY)[GAME, PLAYER]


def team_with(tables: Tables, **box: object) -> Row:
    tables.publish({TEAM_BOXSCORE: [team_box(AWAY, **box), team_box(HOME)]})
    tables.build(TEAM_OFFENSE)
    return tables.rows(TEAM_OFFENSE)[GAME, AWAY]


def test_usage_is_the_share_of_the_team_while_on_the_floor(tables: Tables) -> None:
    """100 * (16 + .44 * 4 + 2) * 48 / (48 * (80 + .44 * 20 + 12)): a fifth, less the team turnovers."""
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    row = tables.rows(PLAYER_SUMMARY)[GAME, PLAYER]
    assert [row[name] for name in RATES] == [Decimal("19.60"), Decimal("0.563"), Decimal("0.563")]


@pytest.mark.parametrize("minutes", [0.0, None])
def test_usage_is_null_without_minutes(tables: Tables, minutes: float | None) -> None:
    row = player_with(tables, minutes_decimal=minutes)
    assert row["usage_rate"] is None
    assert row["minutes_played"] == (None if minutes is None else Decimal("0.00"))


def test_usage_above_one_hundred_is_null(tables: Tables) -> None:
    """19.76 plays in half a minute are 1,882 %: an artefact of few seconds."""
    assert player_with(tables, minutes_decimal=0.5)["usage_rate"] is None


def test_usage_just_below_one_hundred_stays(tables: Tables) -> None:
    assert player_with(tables, minutes_decimal=9.5)["usage_rate"] == Decimal("99.05")


def test_who_never_shot_has_no_percentages(tables: Tables) -> None:
    tables.publish({GAMEBOOK: [*raw_rows()[GAMEBOOK], gamebook(AWAY, 6, minutes_decimal=3.0, **NO_LINE)]})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    row = tables.rows(PLAYER_SUMMARY)[GAME, player_of(AWAY, 6)]
    assert [row[name] for name in RATES] == [Decimal("0.00"), None, None]


def test_free_throws_alone_give_true_shooting_only(tables: Tables) -> None:
    line = NO_LINE | {"free_throws_made": 2, "free_throws_attempted": 2, "points": 2}
    tables.publish({GAMEBOOK: [*raw_rows()[GAMEBOOK], gamebook(AWAY, 6, minutes_decimal=3.0, **line)]})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    row = tables.rows(PLAYER_SUMMARY)[GAME, player_of(AWAY, 6)]
    assert (row["ts_pct"], row["efg_pct"]) == (Decimal("1.136"), None)


def test_minutes_keep_their_seconds(tables: Tables) -> None:
    assert player_with(tables, minutes_decimal=2758 / 60)["minutes_played"] == Decimal("45.97")


@pytest.mark.parametrize(
    ("minutes", "overtimes", "pace"), [(240, 0, "90.80"), (265, 1, "82.23"), (290, 2, "75.14"), (340, 4, "64.09")]
)
def test_pace_is_per_48_minutes_also_in_overtime(tables: Tables, minutes: int, overtimes: int, pace: str) -> None:
    team = team_with(tables, minutes_total=minutes)
    assert (team["overtime_periods"], team["pace"]) == (overtimes, Decimal(pace))
    assert (team["possessions"], team["offensive_rating"]) == (Decimal("90.80"), Decimal("110.13"))


def test_the_winner_scored_more(tables: Tables) -> None:
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    teams, players = tables.rows(TEAM_OFFENSE), tables.rows(PLAYER_SUMMARY)
    assert [(teams[GAME, t]["win_flag"], teams[GAME, t]["margin_of_victory"]) for t in (AWAY, HOME)] == [
        (False, -5),
        (True, 5),
    ]
    assert {row["team_abbr"]: row["win_flag"] for row in players.values()} == {AWAY: False, HOME: True}


def test_defence_is_the_offence_of_the_other_side(tables: Tables) -> None:
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE)
    offence, defence = tables.rows(TEAM_OFFENSE)[GAME, AWAY], tables.rows(TEAM_DEFENSE)[GAME, HOME]
    pairs = {
        "points_allowed": "points_scored",
        "turnovers_forced": "turnovers",
        "opp_rebounds": "rebounds",
        "opp_assists": "assists",
        "defensive_rating": "offensive_rating",
        "opponent_pace": "pace",
        "opponent_ts_pct": "ts_pct",
    }
    assert {name: defence[name] for name in pairs} == {name: offence[theirs] for name, theirs in pairs.items()}
    own = tables.rows(TEAM_OFFENSE)[GAME, HOME]
    assert (defence["fouls_committed"], defence["steals"]) == (own["personal_fouls"], own["steals"])


def test_shares_half_way_are_rounded_away_from_zero(tables: Tables) -> None:
    """8 of 16 with one three is .53125; 5 of 16 with none is .3125, which half-to-even would make .312."""
    row = player_with(tables, field_goals_made=5, three_pointers_made=0)
    assert row["efg_pct"] == Decimal("0.313")
