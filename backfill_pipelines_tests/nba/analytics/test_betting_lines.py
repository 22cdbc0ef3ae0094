"""Points lines of a player: which bookmaker's, which snapshot's, and what became of them."""

from decimal import Decimal

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, PROPS
from backfill_pipelines_tests.nba.analytics.builders import AWAY, GAME, Row, player_of, prop
from backfill_pipelines_tests.nba.analytics.tables import Tables

#: He scores 20 in the default game.
PLAYER = player_of(AWAY, 1)


def betting(tables: Tables, *props: Row) -> Row:
    tables.publish({PROPS: list(props)})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    return tables.rows(PLAYER_SUMMARY)[GAME, PLAYER]


def test_without_props_every_betting_column_is_null(tables: Tables) -> None:
    found = betting(tables)
    names = ["points_line", "opening_line", "line_movement", "points_line_source", "over_under_result", "margin"]
    assert [found[name] for name in names] == [None] * 6
    assert "odds_api_player_points_props" not in found["data_sources"]


@pytest.mark.parametrize(
    ("line", "result", "margin"),
    [(19.5, "OVER", "0.50"), (20.0, "PUSH", "0.00"), (20.5, "UNDER", "-0.50"), (0.0, "OVER", "20.00")],
)
def test_a_line_is_beaten_missed_or_met(tables: Tables, line: float, result: str, margin: str) -> None:
    found = betting(tables, prop(PLAYER, line))
    assert (found["over_under_result"], found["margin"]) == (result, Decimal(margin))
    assert found["data_sources"][-1] == "odds_api_player_points_props"


def test_the_latest_line_counts_and_the_earliest_is_the_opening(tables: Tables) -> None:
    found = betting(
        tables,
        prop(PLAYER, 22.5, hours_before=5),
        prop(PLAYER, 18.5, hours_before=24),
        prop(PLAYER, 21.5, hours_before=1),
    )
    names = ("points_line", "opening_line", "line_movement")
    assert [found[name] for name in names] == [Decimal("21.5"), Decimal("18.5"), Decimal("3.0")]
    assert found["over_under_result"] == "UNDER"


@pytest.mark.parametrize("hours_before", [0, -1], ids=["at-tip-off", "in-play"])
def test_a_line_from_tip_off_on_is_ignored(tables: Tables, hours_before: float) -> None:
    found = betting(tables, prop(PLAYER, 19.5), prop(PLAYER, 40.5, hours_before=hours_before))
    assert (found["points_line"], found["opening_line"]) == (Decimal("19.5"), Decimal("19.5"))


@pytest.mark.parametrize(
    ("bookmakers", "chosen"),
    [
        (["betmgm", "fanduel", "draftkings"], "draftkings"),
        (["betmgm", "fanduel"], "fanduel"),
        (["williamhill", "betmgm"], "betmgm"),
    ],
)
def test_one_bookmaker_is_chosen(tables: Tables, bookmakers: list[str], chosen: str) -> None:
    """Opening and closing of two bookmakers would give a movement that never happened."""
    props = [
        prop(PLAYER, 10.5 + number, hours_before=hours + number, bookmaker=bookmaker)
        for number, bookmaker in enumerate(bookmakers)
        for hours in (1, 20)
    ]
    found = betting(tables, *props)
    line = Decimal("10.5") + bookmakers.index(chosen)
    assert (found["points_line_source"], found["points_line"], found["opening_line"]) == (chosen, line, line)


def test_a_preferred_bookmaker_with_in_play_lines_only_is_not_chosen(tables: Tables) -> None:
    late = prop(PLAYER, 30.5, hours_before=-1, bookmaker="draftkings")
    found = betting(tables, late, prop(PLAYER, 19.5, bookmaker="betmgm"))
    assert (found["points_line_source"], found["points_line"]) == ("betmgm", Decimal("19.5"))


def test_a_line_finds_its_player_whatever_game_the_feed_names(tables: Tables) -> None:
    found = betting(tables, prop(PLAYER, 19.5, game="20220103_NYK_BOS"))
    assert found["points_line"] == Decimal("19.5")


def test_lines_of_others_stay_with_them(tables: Tables) -> None:
    found = betting(tables, prop(player_of(AWAY, 2), 19.5))
    assert found["points_line"] is None
