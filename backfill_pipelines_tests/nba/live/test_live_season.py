"""A season that went live: gate 3 as a whole, and a correction after the bootstrap days.

One file, so that tests in several processes build the season once.
"""

from datetime import date, timedelta

from backfill_pipelines.backfill.repair import Mark, Partition
from backfill_pipelines.nba.catalog import CATALOG, PRECOMPUTE_PHASE
from backfill_pipelines_tests.nba.live.going_live import FIRST, LAST_OF_BACKFILL, LIVE_DAY
from backfill_pipelines_tests.nba.phase_gates.bench import Bench, Said
from backfill_pipelines_tests.nba.repair.conftest import Row, Site

END_TO_END, FRESH = "a_date_came_through_by_itself", "the_current_season_is_fresh"
LIVE = {"first_date": str(FIRST), "last_date": str(LIVE_DAY)}

#: The corrected date is one of phase 4; what looks back sees it from the next date on.
DAY, LATER = LAST_OF_BACKFILL, LIVE_DAY
BOX, BOOKS = "nba_raw.nbac_team_boxscore", "nba_raw.nbac_gamebook_player_stats"

#: Each table, and the dates of it that read the box scores of DAY.
CLOSURE: dict[str, tuple[date, ...]] = {
    BOX: (DAY,),
    BOOKS: (DAY,),
    "nba_raw.player_lines": (DAY,),
    "nba_analytics.team_offense_game_summary": (DAY,),
    "nba_analytics.player_game_summary": (DAY,),
    "nba_analytics.team_defense_game_summary": (DAY,),
    "nba_analytics.upcoming_team_game_context": (DAY, LATER),
    "nba_analytics.upcoming_player_game_context": (DAY, LATER),
    "nba_precompute.team_defense_zone_analysis": (LATER,),
    "nba_precompute.player_shot_zone_analysis": (LATER,),
    "nba_precompute.player_composite_factors": (DAY, LATER),
    "nba_precompute.player_daily_cache": (DAY, LATER),
    "nba_precompute.ml_feature_store_v2": (DAY, LATER),
}
#: Tables that show a turnover of that game: pace, ratings, usage. Wins and shots do not.
SHOWN = {
    *(Partition(table, DAY) for table, days in CLOSURE.items() if days == (DAY,)),
    *(
        Partition(table, LATER)
        for table in (
            "nba_analytics.upcoming_player_game_context",
            "nba_precompute.team_defense_zone_analysis",
            "nba_precompute.player_composite_factors",
            "nba_precompute.player_daily_cache",
            "nba_precompute.ml_feature_store_v2",
        )
    ),
}


def red_rules(said: Said) -> set[str]:
    whole = said.verdicts["pipeline_is_live"]
    rows = [line.split(" | ") for line in str(whole.metadata["rules"].value).splitlines()[2:]]
    return {row[0].removeprefix("| ") for row in rows if row[2] == "red"}


def test_a_date_that_the_sensors_took_from_raw_to_phase_4_makes_the_pipeline_live(bench: Bench) -> None:
    said = bench.gate(3, **LIVE)
    assert said.green, said.text
    assert said.words == "PIPELINE IS LIVE"
    assert {name: verdict.passed for name, verdict in said.verdicts.items()} == {
        "pipeline_is_live": True,
        "pipeline_is_live_2022_23": True,
    }
    assert f"| {LIVE_DAY} | 13 | 13 |" in said.materialized["dates that came by themselves"]
    assert f"{LIVE_DAY} came from raw to phase 4 by itself" in said.materialized["rules"]
    assert said.materialized["backfill/calendar"].startswith("![calendar](data:image/png")


def test_other_rows_than_the_live_run_gave_break_the_chain_at_their_table_and_nothing_else(bench: Bench) -> None:
    table = "nba_precompute.player_daily_cache"
    bench.sql(f"UPDATE {table} SET data_hash = 'changed' WHERE analysis_date = '{LIVE_DAY}'")
    red = bench.gate(3, **LIVE)
    assert red.words == f"END-TO-END FAILED at nba_precompute/player_daily_cache; red: {END_TO_END}"
    assert f"nba_precompute/player_daily_cache {LIVE_DAY}: published is" in red.text
    assert red_rules(red) == {END_TO_END}


def test_a_backfill_of_the_live_date_proves_no_automation(bench: Bench) -> None:
    bench.sql(
        "UPDATE nba_reference.processor_run_history SET triggered_by = 'backfill', skip_downstream = TRUE "
        f"WHERE output_table = 'team_offense_game_summary' AND data_date = '{LIVE_DAY}'"
    )
    red = bench.gate(3, **LIVE)
    asset = "nba_analytics/team_offense_game_summary"
    assert red.words == f"END-TO-END FAILED at {asset}; red: {END_TO_END}"
    assert f"{asset} {LIVE_DAY}: the latest run was started by backfill with skip_downstream" in red.text
    assert red_rules(red) == {END_TO_END}


def test_a_season_of_which_nothing_came_for_three_days_is_stale_and_nothing_else(bench: Bench) -> None:
    later = LIVE_DAY + timedelta(days=3)
    red = bench.gate(3, **LIVE | {"last_date": str(later)})
    assert red.words == f"END-TO-END FAILED at nba_raw/nbac_schedule; red: {FRESH}"
    assert f"newest complete date {LIVE_DAY}, 3 game dates behind {later}" in red.text
    assert red_rules(red) == {FRESH}


def one_more_turnover(document: Row) -> None:
    """Of the first home player, in the gamebook."""
    document["active_players"][0]["stats"]["turnovers"] += 1


def three_more_turnovers(document: Row) -> None:
    """Of the first team, in the team box."""
    teams = next(found for found in document["resultSets"] if found["name"] == "TeamStats")
    teams["rowSet"][0][teams["headers"].index("TO")] += 3


def test_a_corrected_date_changes_exactly_its_closure_in_all_tables_and_phases(site: Site) -> None:
    # The schedule of the live date came after DAY was built: its next-game columns are another repair's business.
    for context in ("upcoming_team_game_context", "upcoming_player_game_context"):
        assert site("run", f"nba_analytics/{context}", "--date", str(DAY)).exit_code == 0
    before, runs = site.digests(), site.runs()
    site.correct("gamebooks-data", one_more_turnover, DAY)
    site.correct("team-boxscore", three_more_turnovers, DAY)
    for table in (BOX, BOOKS):
        assert site.repair("plan", table, "--mark", day=DAY).exit_code == 0
    done = site.repair("run")
    assert done.exit_code == 0, done.output

    closure = {Partition(table, day) for table, days in CLOSURE.items() for day in days}
    marks = site.ledger()
    assert set(marks) == closure
    assert Mark.STALE not in marks.values()
    after = site.digests()
    assert len(after) == len(CATALOG) * len(site.days)
    assert {partition for partition, digest in after.items() if digest != before[partition]} == SHOWN
    rerun = {(row["output_table"], row["data_date"]) for row in site.runs() if row not in runs}
    assert rerun <= {(partition.table.split(".")[1], partition.day) for partition in closure}


def test_every_table_of_phase_4_is_reached_by_that_correction() -> None:
    assert {e.contract.full_name for e in CATALOG if e.phase == PRECOMPUTE_PHASE} <= set(CLOSURE)
