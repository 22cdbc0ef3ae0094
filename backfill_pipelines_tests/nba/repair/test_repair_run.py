"""Repairs through the real assets: what a corrected file changes, what it does not, and what happens in between."""

from datetime import date

import pytest

from backfill_pipelines.backfill.repair import Mark, Partition
from backfill_pipelines.cli_console import BROKEN, RED
from backfill_pipelines.nba.catalog import CATALOG
from backfill_pipelines.nba.repair import reads_graph
from backfill_pipelines.nba.statements import statement_of
from backfill_pipelines.settings import read_settings
from backfill_pipelines.stores.resources import build_warehouse
from backfill_pipelines.stores.warehouse import Work
from backfill_pipelines_tests.nba.repair.conftest import DAY, DAYS, LAST, Row, Site

BOX, BOOKS = "nba_raw.nbac_team_boxscore", "nba_raw.nbac_gamebook_player_stats"
LINES = "nba_raw.player_lines"
TOGS, PGS, TDGS = (
    f"nba_analytics.{name}_summary" for name in ("team_offense_game", "player_game", "team_defense_game")
)
UTGC, UPGC = "nba_analytics.upcoming_team_game_context", "nba_analytics.upcoming_player_game_context"


def one_more_turnover(document: Row) -> None:
    """Of the first player: his usage changes, and no sum that a gate compares with another file."""
    document["active_players"][0]["stats"]["turnovers"] += 1


def one_more_assist(document: Row) -> None:
    """Of the first team: no table but the two team summaries shows it."""
    teams = next(found for found in document["resultSets"] if found["name"] == "TeamStats")
    teams["rowSet"][0][teams["headers"].index("AST")] += 1


def nothing(document: Row) -> None:
    """The same content in other bytes."""
    document["pdf_version"] = "long"


def ten_minutes_less(document: Row) -> None:
    """Of the first player: no rule of one line is broken, but his team's minutes no longer add up."""
    _change_minutes(document, -10)


def ten_minutes_more(document: Row) -> None:
    _change_minutes(document, 10)


def _change_minutes(document: Row, change: int) -> None:
    stats = document["active_players"][0]["stats"]
    minutes, _, seconds = stats["minutes"].partition(":")
    stats["minutes"] = f"{int(minutes) + change}:{seconds}"


def impossible(document: Row) -> None:
    document["resultSets"] = []


def changed(before: dict[Partition, str], after: dict[Partition, str]) -> set[Partition]:
    return {partition for partition, digest in after.items() if digest != before[partition]}


def test_a_corrected_file_changes_its_closure_at_most_and_leaves_nothing_stale(site: Site) -> None:
    """Computing every table of every day anew afterwards finds nothing that the repair has missed."""
    before = site.digests()
    site.correct("gamebooks-data", one_more_turnover)
    done = site.repair("run", BOOKS)
    assert done.exit_code == 0, done.output
    assert "repaired" in done.output
    after, ledger = site.digests(), site.ledger()
    found = changed(before, after)
    assert {Partition(table, DAY) for table in (BOOKS, LINES, PGS)} <= found <= set(ledger)
    assert [p for p in found if p.table == UPGC and p.day > DAY]
    assert {partition for partition, mark in ledger.items() if mark is Mark.REBUILT} == found
    assert Mark.STALE not in ledger.values()
    assert site.status().exit_code == 0
    for entry in CATALOG:
        if statement_of(entry):
            asset = "/".join(entry.contract.asset_key)
            assert site("run", asset, "--from", str(DAYS[0]), "--to", str(LAST)).exit_code == 0
    assert site.digests() == after


def test_a_corrected_file_that_changes_nothing_is_cut_off_at_once(site: Site) -> None:
    before, runs = site.digests(), site.runs()
    site.correct("gamebooks-data", nothing)
    done = site.repair("run", BOOKS)
    assert done.exit_code == 0
    assert "0 changed, 1 rebuilt without a change" in done.output
    assert site.digests() == before
    assert len(site.runs()) == len(runs) + 1
    ledger = site.ledger()
    assert len(ledger) > 10
    assert set(ledger.values()) == {Mark.UNCHANGED}


def test_a_change_that_ends_half_way_is_cut_off_there_and_a_second_run_only_reloads_the_file(site: Site) -> None:
    """More assists of a team change the two team summaries of the date; players and team contexts stay as they are."""
    before = site.digests()
    site.correct("team-boxscore", one_more_assist)
    done = site.repair("run", BOX)
    assert done.exit_code == 0, done.output
    after = site.digests()
    rebuilt = {partition for partition, mark in site.ledger().items() if mark is Mark.REBUILT}
    assert rebuilt == changed(before, after)
    assert rebuilt == {Partition(table, DAY) for table in (BOX, TOGS, TDGS)}
    runs = site.runs()
    assert site.repair("run", BOX).exit_code == 0
    assert site.digests() == after
    new = [row for row in site.runs() if row not in runs]
    assert [(row["output_table"], row["data_date"]) for row in new] == [(BOX.split(".")[1], DAY)]
    assert site.repair("run").output.strip() == "nothing is stale"


def test_what_is_marked_stays_stale_past_a_red_file_and_the_next_run_goes_on(site: Site) -> None:
    before = site.digests()
    path = sorted((site.folder / "feeds/nba-com/team-boxscore" / str(DAY)).rglob("*.json"))[0]
    good = path.read_bytes()
    site.correct("team-boxscore", impossible)
    assert site.repair("plan", BOX, "--mark").exit_code == 0
    shown = site.status()
    assert shown.exit_code == RED
    text = " ".join(shown.output.split())
    assert f"stale: {PGS} {DAY} <- {LINES} {DAY} <- {BOX} {DAY}. Repair: backfill repair run nba" in text
    red = site.repair("run")
    assert red.exit_code == RED
    assert "two_rows_per_expected_game" in red.output
    assert "Repair: mend the causes named above, then:" in red.output
    assert f"backfill repair run nba --table {BOX} --dates {DAY}" in red.output
    assert site.digests() == before
    assert set(site.ledger().values()) == {Mark.STALE}
    listed = site.repair("status")
    assert listed.exit_code == RED
    assert f"{BOX} {DAY}" in listed.output
    path.write_bytes(good)
    site.correct("team-boxscore", one_more_assist)
    assert site.repair("run").exit_code == 0
    assert changed(before, site.digests()) == {Partition(table, DAY) for table in (BOX, TOGS, TDGS)}
    assert site.status().exit_code == 0
    assert site.repair("status").exit_code == 0


def test_the_command_of_a_red_repair_reads_a_file_that_was_corrected_once_more(site: Site) -> None:
    """The file itself is green, what is computed from it is not: going on would never look at the file again."""
    before = site.digests()
    site.correct("gamebooks-data", ten_minutes_less)
    red = site.repair("run", BOOKS)
    assert red.exit_code == RED
    assert "nba_raw.player_lines: 1 still stale" in red.output
    site.correct("gamebooks-data", ten_minutes_more)
    (command,) = (line.split() for line in red.output.splitlines() if line.startswith("  backfill repair run"))
    assert command in (line.split() for line in site.repair("status").output.splitlines())
    done = site(*command[1:])
    assert done.exit_code == 0, done.output
    assert site.digests() == before
    assert site.repair("status").exit_code == 0


def test_the_status_counts_the_stale_dates_of_a_table_and_names_their_command(site: Site) -> None:
    assert site.repair("plan", BOOKS, "--mark").exit_code == 0
    shown = site.status()
    assert shown.exit_code == RED
    text = " ".join(shown.output.split())
    assert f"{UPGC} on 5 dates, {DAY} to {LAST}, the first stale: {UPGC} {DAY} <- " in text
    gate = site("gate", "nba", "1", "--from", str(DAYS[0]), "--to", str(LAST))
    assert f"{UPGC.replace('.', '/')} {DAY}: stale. backfill repair run nba" in " ".join(gate.output.split())


def test_a_table_that_is_rebuilt_by_hand_before_what_it_reads_stays_stale(site: Site) -> None:
    """It was computed from the old rows: the repair must compute it again."""
    site.correct("gamebooks-data", one_more_turnover)
    site.repair("plan", BOOKS, "--mark")
    assert site("run", LINES.replace(".", "/"), "--date", str(DAY)).exit_code == 0
    assert site.ledger()[Partition(LINES, DAY)] is Mark.STALE
    for table in (BOOKS, LINES):
        assert site("run", table.replace(".", "/"), "--date", str(DAY)).exit_code == 0
        assert site.ledger()[Partition(table, DAY)] is Mark.REBUILT


def test_a_repair_that_died_is_finished_by_the_next_one(site: Site) -> None:
    """It died between publishing a table and writing that down, which the next run finds as it should be.

    Compared with what was there when it was marked, the table has changed: what reads it must be computed again.
    """
    before = site.digests()
    site.correct("gamebooks-data", one_more_turnover)
    site.repair("plan", BOOKS, "--mark")
    for table in (BOOKS, LINES):
        assert site("run", table.replace(".", "/"), "--date", str(DAY)).exit_code == 0
    with build_warehouse(read_settings()).session(Work("test", "test")) as session:
        session._run(
            "UPDATE nba_reference.stale_partitions SET resolved_at = NULL, resolution = NULL "
            "WHERE partition_date = @day AND table_name = @table_name",
            {"day": DAY, "table_name": LINES},
        )
    done = site.repair("run", BOOKS)
    assert done.exit_code == 0, done.output
    assert Partition(PGS, DAY) in changed(before, site.digests())
    assert site.query("SELECT * FROM nba_reference.stale_partitions WHERE resolved_at IS NULL") == []


def test_a_plan_shows_tables_dates_reasons_and_size_and_writes_nothing(untouched: Site) -> None:
    before, runs = untouched.digests(), untouched.runs()
    shown = untouched.repair("plan", BOX)
    assert shown.exit_code == 0
    text = " ".join(shown.output.split())
    later = len([day for day in DAYS if day >= DAY])
    assert f"stale when {BOX} {DAY} changes" in text
    assert f"{UTGC} │ {DAY} │ {LAST} │ {later} │" in text
    assert f"{3 + 2 * later} partitions of computed tables, 2 of raw tables" in text
    assert "s by the run history" in text
    assert untouched.repair("plan", BOX).output == shown.output
    assert (untouched.digests(), untouched.runs()) == (before, runs)
    assert untouched.ledger() == {}


def test_a_plan_that_is_no_longer_true_is_refused(site: Site) -> None:
    shown = site.repair("plan", BOOKS).output.split("fingerprint ")[1].split()[0]
    site.correct("gamebooks-data", one_more_turnover)
    assert site("run", BOOKS.replace(".", "/"), "--date", str(DAY)).exit_code == 0
    refused = site.repair("run", BOOKS, "--plan", shown)
    assert refused.exit_code == BROKEN
    assert "the warehouse has changed. Repair: backfill repair plan nba" in " ".join(refused.output.split())
    assert site.ledger() == {}


@pytest.mark.parametrize(
    ("pipeline", "table", "dates", "said"),
    [
        ("coffee", BOX, str(DAY), "no repairs of 'coffee'. Repair: use nba"),
        ("nba", "nba_raw.nothing", str(DAY), "nba_raw.nothing is no table. Repair: name one of"),
        ("nba", BOX, "2022-08-01", "2022-08-01 lies in no season. Repair: give days inside 2021-10-19 to 2022-06-16"),
        ("nba", BOX, f"{DAY},christmas", "'christmas' is no date. Repair: write it as YYYY-MM-DD"),
        ("nba", BOX, ",", f"no date of {BOX} given. Repair: name the corrected dates with --dates"),
        ("nba", BOX, "2022-12-24", "the schedule of 2022-12-24 is not loaded"),
    ],
    ids=["pipeline", "table", "off season", "no date", "no dates", "not loaded"],
)
def test_a_repair_of_nothing_is_one_clear_error(
    untouched: Site, pipeline: str, table: str, dates: str, said: str
) -> None:
    for what in ("plan", "run"):
        result = untouched("repair", what, pipeline, "--table", table, "--dates", dates)
        assert result.exit_code == BROKEN
        assert said in " ".join(result.output.split())
        assert "Repair: " in result.output
    assert untouched.ledger() == {}


def test_a_date_without_games_has_nothing_to_repair_and_the_message_says_what_has(site: Site) -> None:
    empty = date(2022, 11, 8)
    assert site("run", "nba_raw/nbac_schedule", "--date", str(empty)).exit_code == 0
    result = site.repair("plan", BOX, day=empty)
    assert result.exit_code == BROKEN
    text = " ".join(result.output.split())
    assert f"{BOX} {empty} is expected_empty (no_games): there is nothing to repair" in text
    assert f"backfill repair run nba --table nba_raw.nbac_schedule --dates {empty}" in text
    moved = site.repair("plan", "nba_raw.nbac_schedule", day=empty)
    assert moved.exit_code == 0, moved.output


def test_a_repair_may_start_at_a_computed_table(untouched: Site) -> None:
    shown = untouched.repair("plan", UPGC)
    assert shown.exit_code == 0
    upstream = {edge.upstream for edge in reads_graph().upstream[UPGC]}
    assert UPGC in shown.output
    assert not [table for table in upstream if f"│ {table} " in shown.output]
