"""What the target adds to the statements of the gates: rows lost on the way, ranges, accepted gaps."""

from datetime import UTC, date, datetime

import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.nba.catalog import CATALOG, PRECOMPUTE_PHASE
from backfill_pipelines.nba.feeds.captures import Capture
from backfill_pipelines.nba.feeds.loading import Loaded, SetAsideFile
from backfill_pipelines.nba.feeds.parsed import RejectedRow
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.tables_analytics import TEAM_OFFENSE
from backfill_pipelines.nba.tables_raw import GAMEBOOK, SCHEDULE, TEAM_BOXSCORE
from backfill_pipelines.nba.tables_reference import ACCEPTED_GAPS
from backfill_pipelines.nba.target import CONFLICT
from backfill_pipelines.stores.warehouse import arrow_schema
from backfill_pipelines_tests.nba.analytics.builders import AWAY, DAY, GAME, accepted, raw_rows, schedule, team_box
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.gates.conftest import EXHIBITION_DAY
from backfill_pipelines_tests.nba.gates.measuring import gate_of, verdicts

NEXT_DAY = date(2022, 1, 4)
CAPTURE = Capture("bdl_boxscores", "feeds/file.json", "feeds", datetime(2022, 1, 4, tzinfo=UTC), 1, DAY, None)
COMPUTED = [e.contract for e in CATALOG if e.contract is not SCHEDULE and e.phase != PRECOMPUTE_PHASE]


def loaded(contract: TableContract, **facts: object) -> Loaded:
    return Loaded(arrow_schema(contract).empty_table(), **facts)


def rejected(code: str) -> list[tuple[Capture, RejectedRow]]:
    return [(CAPTURE, RejectedRow(DAY, f"{GAME}/BOS/Somebody", code, "20 and 30 points", {}))]


def test_a_day_without_its_season_file_is_red(published: Tables) -> None:
    """The day would look like a day without games."""
    known = gate_of(SCHEDULE, "every_season_day_is_known")
    lost = loaded(SCHEDULE, lost_days={DAY: "no readable schedule file of 2021-22"})
    verdict = verdicts(published, SCHEDULE, [], [known], loaded=lost)[known.name, str(DAY)]
    assert verdict.is_red
    assert verdict.text == f"{known.name}: 1 expected vs 0, e.g. no readable schedule file of 2021-22"


def test_a_day_without_games_is_known_to_have_none(published: Tables) -> None:
    gates = TABLE_GATES[SCHEDULE.full_name]
    for verdict in verdicts(published, SCHEDULE, [], gates, days=[NEXT_DAY], loaded=loaded(SCHEDULE)).values():
        assert verdict.passed
        assert verdict.measurement.note.startswith("not applicable, expected_empty: no_games; schedule: ")


def test_an_exhibition_is_a_row_of_the_schedule_and_no_final(published: Tables) -> None:
    rows = [schedule("20220218_ATL_BKN", game_type="all_star")]
    found = verdicts(published, SCHEDULE, rows, TABLE_GATES[SCHEDULE.full_name], days=[EXHIBITION_DAY])
    assert all(verdict.passed for verdict in found.values())
    exempt = found["finals_have_two_teams_and_a_winner", str(EXHIBITION_DAY)]
    assert exempt.measurement.note == "no rows to measure; state complete: "


def test_a_key_lost_to_contradicting_rows_is_red(published: Tables) -> None:
    """Both rows are set aside, so the staged rows cannot show it."""
    parsed = gate_of(GAMEBOOK, "files_parsed_and_keys_unique")
    facts = loaded(GAMEBOOK, rejected=rejected("conflicting_duplicate"))
    verdict = verdicts(published, GAMEBOOK, raw_rows()[GAMEBOOK], [parsed], loaded=facts)[parsed.name, str(DAY)]
    assert verdict.is_red
    assert (verdict.measurement.expected, verdict.measurement.violations) == (11, 1)
    assert verdict.measurement.sample == (f"{GAME}/BOS/Somebody (20 and 30 points)",)


def test_a_conflict_in_a_game_that_was_given_up_keeps_no_other_game_back(tables: Tables) -> None:
    """Otherwise the gamebook of such a date could never be published: the file will not be corrected."""
    parsed = gate_of(GAMEBOOK, "files_parsed_and_keys_unique")
    facts = loaded(GAMEBOOK, rejected=rejected(CONFLICT))
    tables.publish({ACCEPTED_GAPS: [accepted(GAMEBOOK)]})
    assert verdicts(tables, GAMEBOOK, raw_rows()[GAMEBOOK], [parsed], loaded=facts)[parsed.name, str(DAY)].passed


def test_a_red_gate_names_the_files_and_rows_that_were_set_aside_and_why(published: Tables) -> None:
    """That a game is missing is no news to whoever has to capture its file again."""
    two_rows = gate_of(TEAM_BOXSCORE, "two_rows_per_expected_game")
    facts = loaded(
        TEAM_BOXSCORE,
        set_aside=[SetAsideFile(CAPTURE, "corrupt_file", "no JSON: line 3; capture it again", None)],
        rejected=rejected("unparsable_value"),
    )
    verdict = verdicts(published, TEAM_BOXSCORE, [], [two_rows], loaded=facts)[two_rows.name, str(DAY)]
    assert verdict.is_red
    assert "corrupt_file feeds/file.json: no JSON: line 3; capture it again" in verdict.text
    assert f"unparsable_value {GAME}/BOS/Somebody in feeds/file.json: 20 and 30 points" in verdict.text


def test_a_green_gate_names_nothing_that_was_set_aside(published: Tables) -> None:
    parsed = gate_of(GAMEBOOK, "files_parsed_and_keys_unique")
    facts = loaded(GAMEBOOK, rejected=rejected("contradictory_stats"))
    verdict = verdicts(published, GAMEBOOK, raw_rows()[GAMEBOOK], [parsed], loaded=facts)[parsed.name, str(DAY)]
    assert verdict.measurement.sample == ()


def test_a_row_set_aside_for_its_content_is_no_lost_key(published: Tables) -> None:
    parsed = gate_of(GAMEBOOK, "files_parsed_and_keys_unique")
    facts = loaded(GAMEBOOK, rejected=rejected("contradictory_stats"))
    assert verdicts(published, GAMEBOOK, raw_rows()[GAMEBOOK], [parsed], loaded=facts)[parsed.name, str(DAY)].passed


def test_each_date_of_a_range_has_its_own_verdict(tables: Tables) -> None:
    days = [DAY, NEXT_DAY, date(2022, 1, 5)]
    other = "20220104_BOS_NYK"
    tables.on(NEXT_DAY).publish({SCHEDULE: [schedule(other)]})
    rows = [*raw_rows()[TEAM_BOXSCORE], team_box(AWAY, other)]
    gate = gate_of(TEAM_BOXSCORE, "two_rows_per_expected_game")
    found = list(verdicts(tables, TEAM_BOXSCORE, rows, [gate], days=days).values())
    assert [verdict.passed for verdict in found] == [True, False, True]
    assert found[1].measurement.sample == (f"{other}/NYK is missing",)
    assert found[2].measurement.note.startswith("not applicable, expected_empty: no_games")


@pytest.mark.parametrize("contract", COMPUTED, ids=lambda contract: contract.name)
def test_a_date_whose_every_game_is_an_accepted_gap_is_green(tables: Tables, contract: TableContract) -> None:
    """The acceptance is the only way past a hole: it must be one, for every gate of the table."""
    tables.publish({ACCEPTED_GAPS: [accepted(contract)]})
    gates = [gate for gate in TABLE_GATES[contract.full_name] if gate.blocking]
    for verdict in verdicts(tables, contract, [], gates).values():
        missing_from_lines = verdict.gate.name == "players_match_the_lines"
        assert verdict.passed is not missing_from_lines, verdict.text


def test_the_accepted_gap_of_another_table_proves_nothing(tables: Tables) -> None:
    tables.publish({ACCEPTED_GAPS: [accepted(TEAM_BOXSCORE)]})
    found = verdicts(tables, TEAM_OFFENSE, [], TABLE_GATES[TEAM_OFFENSE.full_name])
    assert found["two_rows_per_expected_game", str(DAY)].is_red
    assert found["offence_is_plausible", str(DAY)].is_red
