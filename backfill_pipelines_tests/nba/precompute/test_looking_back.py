"""Phase 4 of a date knows nothing of that date or later, and is the same however a range is cut."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.tables_analytics import TEAM_DEFENSE, TEAM_OFFENSE
from backfill_pipelines.nba.tables_precompute import FEATURE_STORE, PLAYER_ZONES, TEAM_ZONES
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import AWAY, DAY, HOME, Row, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.precompute.season import (
    BEST,
    OTHER,
    PHASE_4,
    days_before,
    defence,
    offence,
    publish_games,
    publish_history,
    summary,
)

Found = dict[TableContract, Mapping[tuple[Any, ...], Row]]


def computed(tables: Tables) -> Found:
    """Hashes of the day's phase 4, computed anew and published."""
    tables.build(*PHASE_4)
    return {c: {key: one["data_hash"] for key, one in tables.rows(c).items()} for c in PHASE_4}


def test_games_of_the_date_and_later_change_nothing(tables: Tables) -> None:
    """The whole point: a feature that has seen its own game predicts it."""
    before = computed(tables)
    for day in (DAY, DAY + timedelta(days=2)):
        loud = [summary(player, day, points=80, minutes_played=60, paint_attempts=90) for player in (BEST, OTHER)]
        publish_games(tables, loud)
        tables.on(day).publish(
            {
                TEAM_DEFENSE: [defence(team, day, points_allowed=200, opp_paint_makes=50) for team in (AWAY, HOME)],
                TEAM_OFFENSE: [offence(team, day, pace=130) for team in (AWAY, HOME)],
            }
        )
    assert computed(tables) == before
    assert all(before.values())


def test_a_game_of_the_day_before_changes_the_date(tables: Tables) -> None:
    """A perturbation that nothing notices would prove nothing."""
    before = computed(tables)
    day = days_before(1)[0]
    publish_games(tables, [summary(BEST, day, points=50, paint_attempts=20)])
    tables.on(day).publish({TEAM_DEFENSE: [defence(team, day, points_allowed=150) for team in (AWAY, HOME)]})
    after = computed(tables)
    assert [c.name for c in PHASE_4 if after[c] != before[c]] == [
        c.name for c in PHASE_4 if c.name != "player_composite_factors"
    ]


def test_a_range_and_its_days_give_the_same_rows(tables: Tables) -> None:
    """Two seasons at once, each day alone: the seasons meet inside the range."""
    autumn = date(2022, 11, 14)
    publish_history(tables, days_before(8, autumn), points=11)
    days = [*days_before(5), DAY, *days_before(6, autumn)]
    whole = tables.on(*days)
    found = {contract: whole.staged(contract) for contract in (TEAM_ZONES, PLAYER_ZONES)}
    for contract, rows in found.items():
        alone = {key: one for day in days for key, one in tables.on(day).staged(contract).items()}
        assert {key: one["data_hash"] for key, one in rows.items()} == {k: one["data_hash"] for k, one in alone.items()}
        assert len({key[0] for key in rows}) > 6


def test_a_day_without_games_is_empty(tables: Tables) -> None:
    for contract in PHASE_4:
        assert tables.on(DAY - timedelta(days=1)).staged(contract) == {}


def test_a_game_on_a_bootstrap_day_has_no_row(blank: Tables) -> None:
    """Four games and a slate in the first fourteen days of the season."""
    first = date(2021, 10, 19)
    publish_history(blank, [first + timedelta(days=n) for n in range(12)])
    for contract in PHASE_4:
        assert blank.on(date(2021, 10, 30)).staged(contract) == {}


@pytest.mark.parametrize("postponed", [True, False])
def test_a_postponed_game_makes_no_date(tables: Tables, *, postponed: bool) -> None:
    tables.publish({SCHEDULE: [schedule(is_postponed=postponed)]})
    assert bool(tables.staged(FEATURE_STORE)) is not postponed
