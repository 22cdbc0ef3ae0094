"""What phase 3 does where a source is missing: it rebuilds, estimates or falls back, and says so."""

from datetime import date
from decimal import Decimal

import pytest

from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY, TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import (
    BDL_BOXSCORES,
    GAMEBOOK,
    PLAY_BY_PLAY,
    PLAYER_LINES,
    SCHEDULE,
    STARTING_LINEUPS,
    TEAM_BOXSCORE,
)
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS
from backfill_pipelines_tests.nba.analytics.builders import (
    AWAY,
    GAME,
    HOME,
    LINE,
    NO_LINE,
    absent,
    accepted,
    bdl,
    changed,
    gamebook,
    player_of,
    raw_rows,
    schedule,
    without,
)
from backfill_pipelines_tests.nba.analytics.tables import Tables

PHASE_3 = (PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE)
BEST = player_of(AWAY, 1)


def without_team_box(tables: Tables, **gap: object) -> None:
    tables.publish({TEAM_BOXSCORE: [], ACCEPTED_GAPS: [accepted(TEAM_BOXSCORE, **gap)]})


def test_an_accepted_gap_lets_the_team_be_rebuilt_from_its_players(tables: Tables) -> None:
    without_team_box(tables)
    tables.build(*PHASE_3)
    team = tables.rows(TEAM_OFFENSE)[GAME, AWAY]
    assert (team["points_scored"], team["fg_attempts"], team["rebounds"], team["minutes_total"]) == (100, 80, 40, 240)
    assert team["turnovers"] == 5 * LINE["turnovers"], "team turnovers are in no player line"
    assert (team["quality_tier"], team["quality_score"]) == ("silver", Decimal("85.00"))
    assert team["data_quality_issues"] == ["reconstructed"]
    assert team["data_sources"] == ["player_lines", "bigdataball_play_by_play", "nbac_gamebook_player_stats"]


def test_what_rests_on_a_rebuilt_team_is_not_ready(tables: Tables) -> None:
    without_team_box(tables)
    tables.build(*PHASE_3)
    for contract in (TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE):
        assert not any(row["is_production_ready"] for row in tables.rows(contract).values()), contract.name
    defence = tables.rows(TEAM_DEFENSE)[GAME, HOME]
    assert (defence["quality_tier"], defence["data_quality_issues"]) == ("silver", ["reconstructed"])
    assert defence["points_allowed"] == 100


def test_a_rebuilt_team_has_the_minutes_of_its_overtimes(tables: Tables) -> None:
    without_team_box(tables)
    tables.publish({SCHEDULE: [schedule(overtime_periods=2)]})
    tables.build(PLAYER_LINES, TEAM_OFFENSE)
    team = tables.rows(TEAM_OFFENSE)[GAME, AWAY]
    assert (team["minutes_total"], team["overtime_periods"]) == (290, 2)


def test_without_acceptance_nothing_is_rebuilt(tables: Tables) -> None:
    tables.publish({TEAM_BOXSCORE: []})
    tables.build(PLAYER_LINES, TEAM_OFFENSE)
    assert tables.rows(TEAM_OFFENSE) == {}


def test_an_acceptance_that_has_expired_does_not_count(tables: Tables) -> None:
    without_team_box(tables, expires_on=date(2022, 1, 10))
    tables.build(PLAYER_LINES, TEAM_OFFENSE)
    assert tables.rows(TEAM_OFFENSE) == {}


def test_fewer_than_five_players_are_no_team(tables: Tables) -> None:
    without_team_box(tables)
    rows = raw_rows()
    tables.publish({contract: without(rows[contract], BEST) for contract in (GAMEBOOK, BDL_BOXSCORES)})
    tables.build(PLAYER_LINES)
    assert list(tables.staged(TEAM_OFFENSE)) == [(GAME, HOME)]


def test_a_team_with_a_box_score_is_gold_and_ready(tables: Tables) -> None:
    tables.build(*PHASE_3)
    for contract in (TEAM_OFFENSE, PLAYER_SUMMARY, TEAM_DEFENSE):
        for row in tables.rows(contract).values():
            assert (row["quality_tier"], row["quality_score"]) == ("gold", Decimal("100.00"))
            assert (row["data_quality_issues"], row["is_production_ready"]) == ([], True)


@pytest.mark.parametrize(("minutes", "starts"), [(20.5, True), (20.0, False), (None, False)])
def test_without_a_lineup_the_starters_are_estimated(tables: Tables, minutes: float | None, *, starts: bool) -> None:
    rows = raw_rows()
    gamebooks = changed(rows[GAMEBOOK], BEST, minutes_decimal=minutes)
    tables.publish({STARTING_LINEUPS: [], GAMEBOOK: gamebooks})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    best = tables.rows(PLAYER_SUMMARY)[GAME, BEST]
    assert best["starter_flag"] is starts
    assert best["data_quality_issues"] == ["starter_estimated"]
    assert "nbac_starting_lineups" not in best["data_sources"]


def test_a_player_whom_the_lineup_lacks_did_not_start(tables: Tables) -> None:
    rows = raw_rows()
    tables.publish({STARTING_LINEUPS: without(rows[STARTING_LINEUPS], BEST)})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    best = tables.rows(PLAYER_SUMMARY)[GAME, BEST]
    assert (best["starter_flag"], best["data_quality_issues"]) == (False, [])


def test_a_game_without_gamebook_has_the_players_of_ball_dont_lie(tables: Tables) -> None:
    tables.publish({GAMEBOOK: []})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    players = tables.rows(PLAYER_SUMMARY)
    assert len(players) == 10
    for player in players.values():
        assert (player["primary_source_used"], player["plus_minus"]) == ("bdl_boxscores", None)
        assert (player["quality_tier"], player["quality_score"]) == ("silver", Decimal("85.00"))
        assert (player["data_quality_issues"], player["is_production_ready"]) == (["backup_source_used"], True)
    assert tables.rows(TEAM_OFFENSE)[GAME, AWAY]["players_inactive"] is None


def test_a_player_whom_the_gamebook_lacks_comes_alone(tables: Tables) -> None:
    """The game-level rule of the original lost 119 players a day."""
    rows = raw_rows()
    tables.publish({GAMEBOOK: without(rows[GAMEBOOK], BEST)})
    tables.build(PLAYER_LINES)
    sources = {player: row["source"] for (_, player), row in tables.rows(PLAYER_LINES).items()}
    assert [player for player, source in sources.items() if source == "bdl_boxscores"] == [BEST]
    assert len(sources) == 10


def test_a_player_whom_the_gamebook_calls_absent_may_come_from_ball_dont_lie(tables: Tables) -> None:
    rows = raw_rows()
    tables.publish({GAMEBOOK: [*without(rows[GAMEBOOK], BEST), absent(AWAY, 1)]})
    tables.build(PLAYER_LINES)
    assert tables.rows(PLAYER_LINES)[GAME, BEST]["source"] == "bdl_boxscores"


def test_a_team_that_adds_up_takes_nobody_else(tables: Tables) -> None:
    rows = raw_rows()
    tables.publish({BDL_BOXSCORES: [*rows[BDL_BOXSCORES], bdl(AWAY, 6)]})
    tables.build(PLAYER_LINES)
    assert (GAME, player_of(AWAY, 6)) not in tables.rows(PLAYER_LINES)


@pytest.mark.parametrize("minutes", [0.0, None])
def test_a_row_of_zeros_in_ball_dont_lie_is_an_absence(tables: Tables, minutes: float | None) -> None:
    rows = raw_rows()
    idle = bdl(AWAY, 6, minutes_decimal=minutes, **NO_LINE)
    tables.publish({GAMEBOOK: [], BDL_BOXSCORES: [*rows[BDL_BOXSCORES], idle]})
    tables.build(PLAYER_LINES)
    assert (GAME, player_of(AWAY, 6)) not in tables.rows(PLAYER_LINES)


def test_a_foul_in_no_time_is_an_appearance(tables: Tables) -> None:
    rows = raw_rows()
    short = bdl(AWAY, 6, minutes_decimal=0.0, **NO_LINE | {"personal_fouls": 1})
    tables.publish({GAMEBOOK: [], BDL_BOXSCORES: [*rows[BDL_BOXSCORES], short]})
    tables.build(PLAYER_LINES)
    assert (GAME, player_of(AWAY, 6)) in tables.rows(PLAYER_LINES)


@pytest.mark.parametrize(("minutes", "is_dnp"), [(0.0, False), (None, True)])
def test_no_minutes_are_an_absence_only_when_they_are_unknown(
    tables: Tables, minutes: float | None, *, is_dnp: bool
) -> None:
    rows = raw_rows()
    idle = gamebook(AWAY, 6, minutes_decimal=minutes, **NO_LINE)
    tables.publish({GAMEBOOK: [*rows[GAMEBOOK], idle]})
    tables.build(PLAYER_LINES, TEAM_OFFENSE, PLAYER_SUMMARY)
    found = tables.rows(PLAYER_SUMMARY)[GAME, player_of(AWAY, 6)]
    assert (found["is_dnp"], found["is_active"], found["player_status"]) == (is_dnp, True, "active")


def test_absent_players_are_counted_and_never_lines(tables: Tables) -> None:
    rows = raw_rows()
    out = [absent(AWAY, 6), absent(AWAY, 7, player_status="inactive", player_lookup=None)]
    tables.publish({GAMEBOOK: [*rows[GAMEBOOK], *out]})
    tables.build(*PHASE_3)
    teams = tables.rows(TEAM_OFFENSE)
    assert [teams[GAME, team]["players_inactive"] for team in (AWAY, HOME)] == [2, 0]
    assert tables.rows(TEAM_DEFENSE)[GAME, AWAY]["players_inactive"] == 2
    assert len(tables.rows(PLAYER_LINES)) == 10


def test_an_exhibition_has_no_row_anywhere(tables: Tables) -> None:
    tables.publish({SCHEDULE: [schedule(game_type="all_star")]})
    tables.build(*PHASE_3)
    assert not any(tables.rows(contract) for contract in PHASE_3)


def test_a_postponed_game_has_no_row_anywhere(tables: Tables) -> None:
    tables.publish({SCHEDULE: [schedule(is_postponed=True)]})
    tables.build(*PHASE_3)
    assert not any(tables.rows(contract) for contract in PHASE_3)


def test_building_twice_changes_no_hash(tables: Tables) -> None:
    tables.publish({PLAY_BY_PLAY: []})
    tables.build(*PHASE_3)
    first = {contract: tables.rows(contract) for contract in PHASE_3}
    tables.build(*PHASE_3)
    for contract, rows in first.items():
        again = tables.rows(contract)
        assert {key: row["data_hash"] for key, row in again.items()} == {k: r["data_hash"] for k, r in rows.items()}
