"""Gates 2 and 3: scores and features that were computed; a date that came through by itself, and a fresh season."""

from dataclasses import replace

import pytest

from backfill_pipelines.nba.seasons import BY_NAME
from backfill_pipelines_tests.nba.phase_gates.bench import DAYS, Bench, Said

DAY = str(DAYS[-1])
#: The window opened earlier: phase 4 expects both days, which are no bootstrap days any more.
NO_BOOTSTRAP = "UPDATE nba_reference.seasons SET opening = '2022-10-01' WHERE season = '2022-23'"
LIVE = "UPDATE nba_reference.processor_run_history SET triggered_by = 'sensor', skip_downstream = FALSE"


def verdict_of(said: Said, rule: str) -> str:
    """Verdict and note of a rule in the evidence of a red gate."""
    whole = next(found for name, found in said.verdicts.items() if not name.endswith("2022_23"))
    (line,) = [line for line in str(whole.metadata["rules"].value).splitlines() if line.startswith(f"| {rule} |")]
    return line


def loosely(bench: Bench, table: str, rows: str) -> None:
    """Rows with some columns only."""
    bench.sql(f"CREATE OR REPLACE TABLE nba_precompute.{table} AS FROM nba_precompute_staging.{table} LIMIT 0")
    bench.sql(f"INSERT INTO nba_precompute.{table} BY NAME {rows}")


def test_phase_4_that_was_expected_and_is_not_there_is_named_table_by_table(bench: Bench) -> None:
    bench.sql(NO_BOOTSTRAP)
    red = bench.gate(2)
    assert red.words.startswith("STAGE 2 INCOMPLETE: 2 of 2 unexplained")
    for table in ("player_composite_factors", "ml_feature_store_v2"):
        asset = f"nba_precompute/{table}"
        assert f"{asset} {DAY}: missing. backfill run {asset} --date {DAY}" in red.text
    assert "no row has both inputs" in red.text
    assert "ml_feature_store_v2 has no row" in red.text


@pytest.mark.parametrize(("zeros", "is_red"), [(5, False), (6, True)])
def test_more_than_five_percent_zero_scores_with_both_inputs_stop_the_backfill(
    bench: Bench, zeros: int, *, is_red: bool
) -> None:
    """A default of zero looks like a score: the original stored 100 percent of them."""
    players = f"SELECT DATE '{DAY}' AS analysis_date, 'p' || i AS player_lookup"
    loosely(bench, "player_shot_zone_analysis", f"{players}, 40 AS paint_rate_last_10 FROM range(100) AS t(i)")
    loosely(
        bench,
        "player_composite_factors",
        f"{players}, 'BOS' AS opponent_team_abbr, IF(i < {zeros}, 0, 1) AS shot_zone_mismatch_score "
        "FROM range(150) AS t(i)",
    )
    loosely(bench, "team_defense_zone_analysis", f"SELECT DATE '{DAY}' AS analysis_date, 'BOS' AS team_abbr")
    said = bench.gate(2)
    stop = f"STOP {zeros} of 100 rows with both inputs score 0: {zeros:.1f} %, at most 5 allowed"
    assert (stop in said.text) is is_red


@pytest.mark.parametrize(("score", "is_red"), [("85.00", False), ("84.99", True)])
def test_features_below_the_mean_quality_are_red(bench: Bench, score: str, *, is_red: bool) -> None:
    rows = f"SELECT DATE '{DAY}' AS analysis_date, {score} AS feature_quality_score"
    loosely(bench, "ml_feature_store_v2", rows)
    assert (f"mean feature_quality_score {score} over 1 rows, at least 85 needed" in bench.gate(2).text) is is_red


def test_runs_of_people_prove_no_automation(bench: Bench) -> None:
    red = bench.gate(3)
    assert red.words.startswith("END-TO-END FAILED at nba_raw/nbac_schedule")
    assert "nba_raw/nbac_schedule 2022-10-19: the latest run was started by manual" in red.text
    assert "no open season is loaded" in red.text
    assert list(red.verdicts) == ["pipeline_is_live"]


def test_a_date_that_came_through_by_itself_is_found_and_its_digests_are_compared(bench: Bench) -> None:
    bench.sql(NO_BOOTSTRAP)
    bench.sql(LIVE)
    note = "2022-10-19 came from raw to phase 4 by itself"
    assert note in verdict_of(bench.gate(3), "a_date_came_through_by_itself")
    bench.sql("UPDATE nba_analytics.team_offense_game_summary SET data_hash = 'changed'")
    red = bench.gate(3)
    assert red.words.startswith("END-TO-END FAILED at nba_analytics/team_offense_game_summary")
    assert "nba_analytics/team_offense_game_summary 2022-10-18: published is" in red.text


def test_one_table_that_skipped_its_downstream_breaks_the_chain_there(bench: Bench) -> None:
    bench.sql(LIVE)
    bench.sql(
        "UPDATE nba_reference.processor_run_history SET skip_downstream = TRUE WHERE output_table = 'player_lines'"
    )
    red = bench.gate(3)
    assert red.words.startswith("END-TO-END FAILED at nba_raw/player_lines")
    assert "the latest run was started by sensor with skip_downstream" in red.text


def test_the_current_season_is_fresh_until_it_falls_three_game_dates_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BY_NAME, "2022-23", replace(BY_NAME["2022-23"], is_open=True))
    assert "| green |" in verdict_of(bench.gate(3, last_date="2022-10-21"), "the_current_season_is_fresh")
    red = bench.gate(3, last_date="2022-10-22")
    assert "newest complete date 2022-10-19, 3 game dates behind 2022-10-22" in red.text
    assert "pipeline_is_live_2022_23" in red.verdicts
