"""The phase gates: green on whole data; red names what is missing and how to repair it, and stays red until it is."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.backfill.admission import FIRST_PARTITION, LAST_PARTITION, behind_gate
from backfill_pipelines.backfill.busy import ASSET_TAG, PROCESS_TAG, this_process
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, PRECOMPUTE_PHASE
from backfill_pipelines.nba.phase_gates.names import GATE_0, GATE_1, GATES, gate_before
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines_tests.nba.phase_gates.bench import DAYS, Bench

DAY = str(DAYS[-1])
SEASON = "2022_23"
GREEN_WORDS = ("READY TO START", "READY FOR STAGE 2", "READY FOR STAGE 3")
RED_WORDS = ("PHASE 2 INCOMPLETE - CANNOT START", "STAGE 1 INCOMPLETE", "STAGE 2 INCOMPLETE")
NO_SUMMARY = f"DELETE FROM nba_analytics.player_game_summary WHERE game_date = '{DAY}'"


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_gate_over_whole_data_is_green_and_shows_what_it_stands_on(bench: Bench, number: int) -> None:
    said = bench.gate(number)
    assert said.green, said.text
    assert said.words == f"{GREEN_WORDS[number]}: 2 of 2 schedule dates accounted for, 0 unexplained"
    assert set(said.verdicts) == {GATES[number].name, f"{GATES[number].name}_{SEASON}"}
    assert all(verdict.passed and verdict.blocking for verdict in said.verdicts.values())
    assert (
        "2022-23 2022-10-18 to 2022-10-19, 2 schedule dates (part of the season)" in said.materialized["backfill/scope"]
    )
    assert "not judged: 2021-22, 2023-24" in said.materialized["backfill/scope"]
    assert said.materialized["coverage"].count("| 2022-23 |") >= 5
    assert said.materialized["backfill/calendar"].startswith("![calendar](data:image/png")


#: Gate, damage, and what the red text must say.
DAMAGES: dict[str, tuple[int, str, str]] = {
    "a date without lines": (
        0,
        f"DELETE FROM nba_raw.player_lines WHERE game_date = '{DAY}'",
        f"nba_raw/player_lines {DAY}: missing. backfill run nba_raw/player_lines --date {DAY}",
    ),
    "a bad file of a required feed": (
        0,
        (
            "INSERT INTO nba_reference.file_quarantine BY NAME SELECT 'a/b.json' AS object_key, "
            "'team_boxscore' AS feed, 'nba_raw.nbac_team_boxscore' AS table_name, "
            f"DATE '{DAY}' AS game_date, 'corrupt_file' AS reason_code, "
            "'no JSON' AS detail, 1 AS bytes, 'r' AS run_id, now()::TIMESTAMP AS first_seen_at"
        ),
        f"nba_raw/nbac_team_boxscore {DAY}: corrupt_file a/b.json (no JSON)",
    ),
    "a table without a column": (
        0,
        "ALTER TABLE nba_precompute.player_daily_cache DROP COLUMN cache_version",
        "every_table_has_its_columns: 1 of",
    ),
    "a date without summaries": (
        1,
        NO_SUMMARY,
        f"player_game_summary {DAY}: missing. backfill run nba_analytics/player_game_summary --date {DAY}",
    ),
    "a failure that no run has cured": (
        1,
        (
            "UPDATE nba_reference.processor_run_history SET success = FALSE, error_category = 'PROCESSING_ERROR', "
            f"error_message = 'division by zero' WHERE output_table = 'player_game_summary' AND data_date = '{DAY}'"
        ),
        f"STOP PROCESSING_ERROR nba_analytics/player_game_summary {DAY}: division by zero",
    ),
    "rows that no run vouches for": (
        1,
        "DELETE FROM nba_reference.processor_run_history WHERE output_table = 'team_defense_game_summary'",
        "TeamDefenseGameSummaryProcessor 0.00 %: 0 failed, 2 never ran",
    ),
    "a row twice": (
        1,
        (
            "INSERT INTO nba_analytics.team_offense_game_summary SELECT * FROM nba_analytics.team_offense_game_summary "
            f"WHERE game_date = '{DAY}' LIMIT 1"
        ),
        f"nba_analytics/team_offense_game_summary {DAY}: ",
    ),
    "a value out of range": (
        1,
        "UPDATE nba_analytics.player_game_summary SET minutes_played = 99",
        "player_game_summary.minutes_played goes from 99 to 99",
    ),
    "values that are NULL": (
        1,
        "UPDATE nba_analytics.player_game_summary SET usage_rate = NULL",
        "usage_rate is NULL in ",
    ),
    "a kind of game that is not whole": (1, NO_SUMMARY, "regular_season: "),
}


@pytest.mark.parametrize(("number", "damage", "said"), DAMAGES.values(), ids=DAMAGES)
def test_a_red_gate_names_the_culprit_and_is_not_materialised(
    bench: Bench, number: int, damage: str, said: str
) -> None:
    bench.sql(damage)
    red = bench.gate(number)
    assert not red.green
    assert red.words.startswith(f"{RED_WORDS[number]}: ")
    assert said in red.text
    assert red.materialized == {}
    assert bench.instance.get_latest_materialization_event(GATES[number].key) is None
    verdict = red.verdicts[GATES[number].name]
    assert not verdict.passed
    assert verdict.metadata["coverage"].value


def test_a_retry_meets_the_red_gate_again_until_the_hole_is_filled(bench: Bench) -> None:
    bench.sql(f"CREATE TABLE kept AS SELECT * FROM nba_analytics.player_game_summary WHERE game_date = '{DAY}'")
    bench.sql(NO_SUMMARY)
    assert "STAGE 1 INCOMPLETE: 1 of 2 unexplained" in bench.gate(1).words
    assert not bench.gate(1).green
    bench.sql("INSERT INTO nba_analytics.player_game_summary SELECT * FROM kept")
    assert bench.gate(1).green


def test_a_season_that_is_asked_for_and_not_loaded_is_red_never_skipped(bench: Bench) -> None:
    red = bench.gate(0, seasons=["2022-23", "2021-22"], first_date="", last_date="2022-10-19")
    assert "2021-22 was asked for and its schedule is not loaded" in red.text
    assert {name: verdict.passed for name, verdict in red.verdicts.items()} == {
        "phase_2_is_complete": False,
        "phase_2_is_complete_2021_22": False,
        "phase_2_is_complete_2022_23": True,
    }


def test_an_empty_warehouse_is_red(bench: Bench) -> None:
    red = bench.gate(0, seasons=["2023-24"], first_date="", last_date="")
    assert red.words.startswith("PHASE 2 INCOMPLETE - CANNOT START: 0 of 0 unexplained")
    assert "no season with a loaded schedule lies in the scope" in red.text
    assert "no date in the scope has complete raw data" in red.text


def test_days_whose_schedule_was_never_loaded_are_unexplained(bench: Bench) -> None:
    """Without its schedule nobody knows whether a day is without games."""
    red = bench.gate(0, last_date="2022-10-20")
    assert "PHASE 2 INCOMPLETE - CANNOT START: 1 of 3 unexplained" in red.words
    assert "nba_raw/nbac_schedule 2022-10-20: missing, schedule_not_loaded" in red.text


def test_a_final_outside_of_the_seasons_window_is_red(bench: Bench, tmp_path: Path) -> None:
    """Its day is no partition: it would be missing from every table, and nothing would say so."""
    feeds = Path(shutil.copytree(bench.feeds / "nba-com/schedule-cdn", tmp_path / "f/nba-com/schedule-cdn")).parents[1]
    (file,) = feeds.rglob("*.json")
    season = json.loads(file.read_text())
    games = next(entry["games"] for entry in season["leagueSchedule"]["gameDates"] if entry["games"])
    late = dict(games[0]) | {"gameId": "0042200999", "gameStatus": 3, "gameDateEst": "2023-06-20T00:00:00Z"}
    games.append(late)
    file.write_text(json.dumps(season))
    red = bench.gate(0, feeds=feeds)
    assert "a final on 2023-06-20, the window is 2022-10-18 to 2023-06-12" in red.text


def test_another_run_of_the_tables_is_named_and_a_dead_process_is_none(bench: Bench) -> None:
    tags = {ASSET_TAG: "nba_raw/player_lines"}

    def start(process: str) -> dg.DagsterRun:
        run = dg.DagsterRun("job", status=dg.DagsterRunStatus.STARTED, tags=tags | {PROCESS_TAG: process})
        return bench.instance.add_run(run)

    host = this_process().rpartition(":")[0]
    start(f"{host}:{2**22 + 1}")
    assert bench.gate(0).green
    live = start(this_process())
    red = bench.gate(0)
    assert f"run {live.run_id} of the same assets is started" in red.text


def test_the_smoke_run_leaves_nothing_behind_and_touches_no_rows_kept_in_staging(bench: Bench) -> None:
    """Rows of a red run wait in staging for whoever looks into them."""
    staged = "nba_analytics_staging.player_game_summary"
    bench.sql(f"INSERT INTO {staged} SELECT * FROM nba_analytics.player_game_summary WHERE game_date = '{DAY}'")
    bench.sql(f"UPDATE {staged} SET points = 1, run_id = 'red'")
    tables = (staged, "nba_analytics.player_game_summary", "nba_reference.processor_run_history")
    before = [bench.sql(f"SELECT * FROM {table} ORDER BY ALL") for table in tables]
    said = bench.gate(0)
    assert f"{DAY}: three summaries computed, judged and discarded" in said.materialized["rules"]
    assert [bench.sql(f"SELECT * FROM {table} ORDER BY ALL") for table in tables] == before
    smoke = bench.sql(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema LIKE 'nba_smoke%'"
    )
    assert smoke
    assert all(bench.sql(f"SELECT COUNT(*) FROM {schema}.{name}") == [(0,)] for schema, name in smoke)


def test_a_smoke_date_that_does_not_compute_right_is_red_with_the_gate_that_says_so(bench: Bench) -> None:
    bench.sql(f"UPDATE nba_raw.nbac_team_boxscore SET points = 500 WHERE game_date = '{DAYS[0]}'")
    red = bench.gate(0, smoke_date=str(DAYS[0]))
    assert f"nba_analytics/team_offense_game_summary {DAYS[0]}: offence_is_plausible" in red.text


def test_checks_of_seasons_that_nobody_asked_about_warn_that_they_are_not_measured_and_admit_nothing(
    bench: Bench,
) -> None:
    """Without a word of the run Dagster shows them as failed, as if their season were red."""
    said = bench.gate(0)
    others = {GATE_0.check_of(season.name) for season in SEASONS} - {GATE_0.check_of("2022-23")}
    assert set(said.repeated) == others
    for evaluation in said.repeated.values():
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert str(evaluation.description).startswith("not measured: ")
    gate = gate_before(ANALYTICS_PHASE)
    assert gate is not None
    (problem,) = behind_gate(bench.instance, gate, ["2023-11-08"])["2023-11-08"].sample
    assert "phase_2_is_complete_2023_24 has not been measured. Repair: backfill gate nba 0" in problem


def test_a_table_of_the_next_phase_is_admitted_over_the_days_that_a_green_gate_has_judged(bench: Bench) -> None:
    gate = gate_before(ANALYTICS_PHASE)
    assert gate is not None
    assert gate.key == GATE_0.key
    days = ["2022-10-17", "2022-10-18", "2022-10-19", "2022-10-20"][1:]
    measured = behind_gate(bench.instance, gate, days)
    assert "has not been measured. Repair: backfill gate nba 0" in measured[DAY].sample[0]
    green = bench.gate(0, first_date="2022-10-19").verdicts["phase_2_is_complete_2022_23"]
    assert (green.metadata[FIRST_PARTITION].value, green.metadata[LAST_PARTITION].value) == (DAY, DAY)
    measured = behind_gate(bench.instance, gate, days)
    assert [measured[day].violations for day in days] == [1, 0, 1]
    assert "was measured from 2022-10-19 on only" in measured["2022-10-18"].sample[0]
    assert "was measured up to 2022-10-19 only" in measured["2022-10-20"].sample[0]


def test_a_run_about_another_season_does_not_take_a_verdict_back(bench: Bench) -> None:
    """Every run plans the checks of all seasons and evaluates those of its own."""
    gate = gate_before(PRECOMPUTE_PHASE)
    assert gate is not None
    assert gate.key == GATE_1.key
    first = bench.gate(1)
    assert first.green
    about_another = bench.gate(1, seasons=["2021-22"], first_date="", last_date="")
    assert not about_another.green
    repeated = about_another.repeated[f"{GATE_1.name}_{SEASON}"]
    own = first.verdicts[f"{GATE_1.name}_{SEASON}"]
    assert (repeated.passed, repeated.description) == (own.passed, own.description)
    assert repeated.metadata.items() > own.metadata.items(), "with the days that it covers, and whose it is"
    assert behind_gate(bench.instance, gate, [DAY])[DAY].violations == 0
    bench.sql(NO_SUMMARY)
    assert not bench.gate(1).green
    assert "is red" in behind_gate(bench.instance, gate, [DAY])[DAY].sample[0]
