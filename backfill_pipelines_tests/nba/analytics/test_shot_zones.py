"""Shot zones, blocks and and-ones of the play-by-play: what counts where, and what NULL says."""

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import PLAY_BY_PLAY, PLAYER_LINES
from backfill_pipelines_tests.nba.analytics.builders import (
    AWAY,
    GAME,
    HOME,
    Row,
    changed,
    free_throw,
    player_of,
    raw_rows,
    shot,
    without,
)
from backfill_pipelines_tests.nba.analytics.tables import Tables

SHOOTER, TEAM_MATE, DEFENDER = player_of(AWAY, 1), player_of(AWAY, 2), player_of(HOME, 1)
ATTEMPTS = ("paint_attempts", "mid_range_attempts", "three_attempts_pbp")
MAKES = ("paint_makes", "mid_range_makes", "three_makes_pbp")
BLOCKS = ("paint_blocks", "mid_range_blocks", "three_pt_blocks")
CREATION = ("assisted_fg_makes", "unassisted_fg_makes")


def build(tables: Tables, events: list[Row]) -> None:
    tables.publish({PLAY_BY_PLAY: events})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE)


def player(tables: Tables, name: str) -> Row:
    return tables.rows(PLAYER_SUMMARY)[GAME, name]


def values(row: Row, names: tuple[str, ...]) -> list[int | None]:
    return [row[name] for name in names]


def test_the_default_game_has_every_attempt_in_a_zone(tables: Tables) -> None:
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    row = player(tables, SHOOTER)
    assert (values(row, ATTEMPTS), values(row, MAKES)) == ([8, 4, 4], [4, 2, 2])
    assert row["has_complete_shot_zones"] is True
    team = tables.rows(TEAM_OFFENSE)[GAME, AWAY]
    assert values(team, tuple(f"team_{name}" for name in ATTEMPTS)) == [40, 20, 20]
    assert (team["points_in_paint_scored"], team["shot_zones_source"]) == (40, "bigdataball_play_by_play")


@pytest.mark.parametrize(
    ("kind", "feet", "zone"),
    [
        ("2PT", 0.0, "paint_attempts"),
        ("2PT", 8.0, "paint_attempts"),
        ("2PT", 8.1, "mid_range_attempts"),
        ("2PT", 23.9, "mid_range_attempts"),
        ("3PT", 22.0, "three_attempts_pbp"),
        ("3PT", 3.0, "three_attempts_pbp"),
        ("3PT", None, "three_attempts_pbp"),
        ("2PT", None, None),
    ],
    ids=["rim", "edge", "beyond", "long-two", "corner-three", "short-three", "three-nowhere", "two-nowhere"],
)
def test_type_decides_before_distance(tables: Tables, kind: str, feet: float | None, zone: str | None) -> None:
    """By distance, corner threes (22 ft) would be mid-range."""
    build(tables, [shot(SHOOTER, 1, shot_type=kind, shot_distance=feet)])
    row = player(tables, SHOOTER)
    assert values(row, ATTEMPTS) == [int(name == zone) for name in ATTEMPTS]
    assert row["unassisted_fg_makes"] == 1, "a make counts as a make wherever it was"


def test_who_never_shot_has_zeros_in_a_game_with_play_by_play(tables: Tables) -> None:
    build(tables, [shot(SHOOTER, 1)])
    row = player(tables, TEAM_MATE)
    assert values(row, ATTEMPTS + MAKES + BLOCKS + CREATION) == [0] * 11
    assert (row["has_complete_shot_zones"], row["data_quality_issues"]) == (False, [])


def test_everything_is_null_in_a_game_without_play_by_play(tables: Tables) -> None:
    """0 would say that nobody shot."""
    build(tables, [])
    row = player(tables, SHOOTER)
    assert values(row, ATTEMPTS + MAKES + BLOCKS + CREATION) == [None] * 11
    assert (row["and1_count"], row["has_complete_shot_zones"]) == (None, False)
    assert (row["data_quality_issues"], row["quality_tier"]) == (["shot_zones_unavailable"], "gold")
    team, defence = tables.rows(TEAM_OFFENSE)[GAME, AWAY], tables.rows(TEAM_DEFENSE)[GAME, HOME]
    assert values(team, ("team_paint_attempts", "points_in_paint_scored", "shot_zones_source")) == [None] * 3
    assert team["shot_zones_available"] is False
    allowed = ("opp_paint_attempts", "points_in_paint_allowed", "mid_range_points_allowed", "three_pt_points_allowed")
    assert values(defence, allowed) == [None] * 4
    assert values(defence, ("blocks_paint", "blocks_mid_range", "blocks_three_pt")) == [None] * 3


def test_a_miss_is_an_attempt_and_no_make(tables: Tables) -> None:
    build(tables, [shot(SHOOTER, 1, event_type="miss", shot_made=False, assist_player_lookup=TEAM_MATE)])
    row = player(tables, SHOOTER)
    assert values(row, (*ATTEMPTS, *MAKES, *CREATION)) == [1, 0, 0, 0, 0, 0, 0, 0]


def test_makes_are_assisted_or_not(tables: Tables) -> None:
    assisted = [shot(SHOOTER, number, assist_player_lookup=TEAM_MATE) for number in (1, 2)]
    build(tables, [*assisted, shot(SHOOTER, 3, shot_type="3PT")])
    assert values(player(tables, SHOOTER), CREATION) == [2, 1]


def test_a_blocker_who_never_shoots_still_blocks(tables: Tables) -> None:
    """Joined to shooters only, his blocks were lost."""
    blocked = {"event_type": "miss", "shot_made": False, "block_player_lookup": DEFENDER}
    events = [
        shot(SHOOTER, 1, **blocked),
        shot(SHOOTER, 2, **blocked),
        shot(SHOOTER, 3, **blocked, shot_distance=12.0),
        shot(SHOOTER, 4, **blocked, shot_type="3PT", shot_distance=22.0),
        shot(SHOOTER, 5, **blocked, shot_distance=None),
    ]
    build(tables, events)
    assert values(player(tables, DEFENDER), (*ATTEMPTS, *BLOCKS)) == [0, 0, 0, 2, 1, 1]
    defence = tables.rows(TEAM_DEFENSE)
    names = ("blocks_paint", "blocks_mid_range", "blocks_three_pt")
    assert values(defence[GAME, HOME], names) == [2, 1, 1]
    assert values(defence[GAME, AWAY], names) == [0, 0, 0]


def test_and_ones_are_unknown_without_free_throws(tables: Tables) -> None:
    build(tables, [shot(SHOOTER, 1)])
    assert player(tables, SHOOTER)["and1_count"] is None


def test_and_ones_are_single_free_throws(tables: Tables) -> None:
    throws = ["free throw 1/1", "free throw 1/2", "free throw 2/2", "free throw 1/1", "free throw technical"]
    build(tables, [shot(SHOOTER, 9), *(free_throw(SHOOTER, n, subtype) for n, subtype in enumerate(throws))])
    assert player(tables, SHOOTER)["and1_count"] == 2
    assert player(tables, TEAM_MATE)["and1_count"] == 0
    assert values(player(tables, SHOOTER), ATTEMPTS) == [1, 0, 0], "a free throw is no attempt"


@pytest.mark.parametrize(
    "change",
    [{"shot_made": False}, {"shot_type": "3PT"}, {"event_type": "rebound"}],
    ids=["one-make-less", "one-three-more", "one-attempt-less"],
)
def test_zones_that_differ_from_the_box_score_are_not_complete(tables: Tables, change: Row) -> None:
    events = raw_rows()[PLAY_BY_PLAY]
    build(tables, [events[0] | change, *events[1:]])
    complete = {name: row["has_complete_shot_zones"] for (_, name), row in tables.rows(PLAYER_SUMMARY).items()}
    assert [name for name, is_complete in complete.items() if not is_complete] == [SHOOTER]


def test_shots_of_the_other_team_are_not_ours(tables: Tables) -> None:
    events = without(raw_rows()[PLAY_BY_PLAY], HOME)
    build(tables, changed(events, AWAY, shot_made=True))
    teams = tables.rows(TEAM_OFFENSE)
    assert [teams[GAME, team]["team_paint_makes"] for team in (AWAY, HOME)] == [40, 0]
    defence = tables.rows(TEAM_DEFENSE)[GAME, HOME]
    assert (defence["opp_paint_makes"], defence["points_in_paint_allowed"]) == (40, 80)
    assert (defence["mid_range_points_allowed"], defence["three_pt_points_allowed"]) == (40, 60)
