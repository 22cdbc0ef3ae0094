"""The gates of the context tables where there are games before the date: what they find, and what they let pass."""

import shutil
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.gates import Verdict
from backfill_pipelines.nba.tables_context import PLAYER_CONTEXT, TEAM_CONTEXT
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.stores.duckdb import DuckDBWarehouse
from backfill_pipelines_tests.nba.analytics.histories import History
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.gates.context_cases import BLIND, REST
from backfill_pipelines_tests.nba.gates.measuring import Change, first, gate_of, good_rows, same, verdicts

D = date(2022, 1, 3)
STAYER, TRADED, LATE = "stayer", "traded", "xlate"


@pytest.fixture(scope="module")
def season_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Boston played 20, 6 and 2 days ago; one player in all, one yesterday for Miami, one 20 days ago only."""
    path = tmp_path_factory.mktemp("season") / "nba.duckdb"
    set_up(DuckDBWarehouse(path=str(path)))
    history = History(Tables(path))
    for ago, points in ((20, 10), (6, 20), (2, 30)):
        game = history.game(D - timedelta(days=ago), "BOS", "NYK", margin=ago - 5)
        history.played(STAYER, "BOS", game, points)
        if ago == 20:
            history.played(LATE, "BOS", game, points)
    history.played(TRADED, "MIA", history.game(D - timedelta(days=1), "MIA", "ORL"))
    game = history.game(D, "BOS", "NYK")
    for player in (STAYER, TRADED, LATE):
        history.played(player, "BOS", game, 50)
    history.publish()
    history.tables.on(D).build(TEAM_CONTEXT, PLAYER_CONTEXT)
    return path


@pytest.fixture
def season(season_path: Path, tmp_path: Path) -> Tables:
    return Tables(Path(shutil.copy(season_path, tmp_path / "nba.duckdb")), [D])


def judged(tables: Tables, contract: TableContract, gate: str, change: Change) -> Verdict:
    rows = change(good_rows(tables, contract))
    (verdict,) = verdicts(tables, contract, rows, [gate_of(contract, gate)], days=[D]).values()
    return verdict


def of(player: str, **changes: Any) -> Change:
    """Changes in the row of a player."""
    return lambda rows: [row | changes if row["player_lookup"] == player else row for row in rows]


@pytest.mark.parametrize("gate", [REST, BLIND])
@pytest.mark.parametrize("contract", [TEAM_CONTEXT, PLAYER_CONTEXT], ids=lambda contract: contract.name)
def test_what_the_statement_gives_passes(season: Tables, contract: TableContract, gate: str) -> None:
    """Among the players is one who changed team: his rest of a day is shorter than his new team's two."""
    verdict = judged(season, contract, gate, same())
    assert verdict.passed, verdict.text
    assert verdict.measurement.expected == (2 if contract is TEAM_CONTEXT else 3)


@pytest.mark.parametrize(
    ("contract", "gate", "change", "culprit"),
    [
        (TEAM_CONTEXT, REST, first(team_days_rest=3), "20220103_BOS_NYK/BOS rest 3, the schedule says 2"),
        (TEAM_CONTEXT, REST, first(team_days_rest=None), "BOS rest NULL, the schedule says 2"),
        (TEAM_CONTEXT, BLIND, first(win_pct_entering=Decimal("0.750")), "BOS game 4 after 3 finals"),
        (TEAM_CONTEXT, BLIND, first(win_pct_entering=None), "won NULL after 1 wins"),
        (TEAM_CONTEXT, BLIND, first(game_number_in_season=5), "BOS game 5 after 3 finals"),
        (TEAM_CONTEXT, BLIND, first(games_in_last_14_days=3), "3 in 14 days after 2"),
        (TEAM_CONTEXT, BLIND, first(actual_games_count=4), "BOS game 4 after 3 finals"),
        (TEAM_CONTEXT, BLIND, first(team_days_rest=100), "last on 2021-09-25"),
        (PLAYER_CONTEXT, REST, of(STAYER, days_rest=1), "stayer rest 1, his team 2, last played for nobody"),
        (PLAYER_CONTEXT, REST, of(LATE, days_rest=2), "xlate rest 2, his team 2, last played for nobody"),
        (PLAYER_CONTEXT, REST, of(TRADED, days_rest=0), "traded rest 0"),
        (PLAYER_CONTEXT, BLIND, of(STAYER, l10_games_used=4), "stayer games 4 of 3 before the date"),
        (PLAYER_CONTEXT, BLIND, of(STAYER, games_in_last_14_days=3), "in 14 days 3 of 2"),
        (PLAYER_CONTEXT, BLIND, of(STAYER, minutes_in_last_14_days=90), "minutes 90 of 60"),
        (PLAYER_CONTEXT, BLIND, of(STAYER, points_avg_last_10=Decimal("27.5")), "mean points 27.5 of 20"),
        (PLAYER_CONTEXT, BLIND, of(STAYER, points_avg_last_10=None), "mean points NULL of 20"),
        (PLAYER_CONTEXT, BLIND, of(STAYER, days_rest=6), "rest 6 of 2"),
    ],
)
def test_a_row_that_saw_too_much_or_too_little_is_named(
    season: Tables, contract: TableContract, gate: str, change: Change, culprit: str
) -> None:
    verdict = judged(season, contract, gate, change)
    assert verdict.is_red
    assert culprit in verdict.text


def test_a_short_rest_needs_another_team(season: Tables) -> None:
    """The same rest of a day, had he played for the team that rested two."""
    history = History(season.on(D - timedelta(days=1)))
    history.played(TRADED, "BOS", history.game(D - timedelta(days=1), "MIA", "ORL"))
    history.publish()
    verdict = judged(season, PLAYER_CONTEXT, REST, same())
    assert "traded rest 1, his team 2, last played for BOS" in verdict.text
