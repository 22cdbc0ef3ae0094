"""A process killed in the middle of its work, again and again: the next one goes on, and nothing is lost or doubled."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from backfill_pipelines.nba.sample import write_feeds
from backfill_pipelines_tests.nba.feeds_runs import ENTRIES, PHASE_2, PHASE_3, Pipeline, days_between, pipeline

FIRST, LAST = date(2022, 12, 5), date(2022, 12, 8)
DAYS = days_between(FIRST, LAST)
TABLES = (*PHASE_2, *PHASE_3)
PROJECT = Path(__file__).parents[2]
#: Where the processes are killed, one after the other: in what, and whether its dates are published by then.
KILLS = (
    ("reading", "nbac_gamebook_player_stats", False),
    ("publishing", "bdl_player_boxscores", False),
    ("recording", "player_lines", True),
    ("staging", "player_game_summary", False),
)


def killed(folder: Path, feeds: Path, moment: str, *tables: str) -> None:
    """Run the tables in a process that is killed at a moment of the last one."""
    command = [sys.executable, "-m", "backfill_pipelines_tests.nba.feeds_child", folder, feeds, FIRST, LAST]
    with subprocess.Popen(
        [str(part) for part in (*command, moment, *tables)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout
        reached = any(line.startswith("PAUSED") for line in process.stdout)
        process.kill()
    assert reached, f"the process ended before {moment} of {tables[-1]}"
    assert process.returncode == -9


def duplicates(run: Pipeline, table: str) -> int:
    contract = ENTRIES[table].contract
    return len(
        run.query(
            f"SELECT COUNT(*) AS n FROM {contract.full_name} "
            f"WHERE {contract.partition_column} BETWEEN @first AND @last "
            f"GROUP BY {', '.join(contract.key)} HAVING COUNT(*) > 1",
            first=FIRST,
            last=LAST,
        )
    )


def decisions(run: Pipeline) -> set[tuple[str, str]]:
    """Status and decision of the latest run of every table and date."""
    rows = run.query(
        """
        SELECT status, processing_decision, ROW_NUMBER() OVER (
          PARTITION BY output_table, data_date ORDER BY processed_at DESC, attempt DESC
        ) AS newest
        FROM nba_reference.processor_run_history WHERE data_date BETWEEN @first AND @last
        """,
        first=FIRST,
        last=LAST,
    )
    return {(row["status"], row["processing_decision"]) for row in rows if row["newest"] == 1}


def written_by(run: Pipeline) -> set[tuple[str, str, object]]:
    """Which run wrote the rows of every table, and when."""
    return {
        (table, row["run_id"], row["processed_at"])
        for table in TABLES
        for row in run.query(f"SELECT DISTINCT run_id, processed_at FROM {ENTRIES[table].contract.full_name}")
    }


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("days")
    write_feeds(root, seed=7, first=FIRST, last=LAST)
    return root


@pytest.fixture(scope="module")
def undisturbed(feeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    with pipeline(tmp_path_factory.mktemp("undisturbed"), feeds, in_memory=True) as run:
        assert all(run.run_all(TABLES, FIRST, LAST).values())
        yield run


@pytest.fixture(scope="module")
def survivor(feeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Four days whose processes were killed four times, then run to their end."""
    folder, start = tmp_path_factory.mktemp("killed"), 0
    for moment, table, is_published in KILLS:
        end = TABLES.index(table) + 1
        killed(folder, feeds, moment, *TABLES[start:end])
        start = end - 1
        with pipeline(folder, feeds) as run:
            rows = [digest.rows for (name, _), digest in run.digests(DAYS).items() if name == table]
            assert [number > 0 for number in rows] == [is_published] * len(DAYS), f"killed while {moment}"
            assert not run.statuses(DAYS)[table].is_green, "what was not recorded is not done"
    with pipeline(folder, feeds) as run:
        assert all(run.run_all(TABLES, FIRST, LAST).values())
        yield run


def test_after_four_kills_the_content_is_that_of_an_undisturbed_run(undisturbed: Pipeline, survivor: Pipeline) -> None:
    """In the middle of reading, staging, publishing, and between publishing and the ledger."""
    expected = undisturbed.digests(DAYS)
    assert all(digest.rows for digest in expected.values())
    assert survivor.digests(DAYS) == expected


def test_after_four_kills_no_row_is_there_twice_and_every_date_is_green(survivor: Pipeline) -> None:
    assert {table: duplicates(survivor, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    for table, status in survivor.statuses(DAYS).items():
        assert (table, status.is_green, status.states["complete"]) == (table, True, len(DAYS))


def test_what_a_killed_process_had_published_is_not_published_again(survivor: Pipeline) -> None:
    """Its data were whole: the next run finds them unchanged and only writes the record."""
    rows = survivor.query(
        "SELECT DISTINCT processing_decision FROM nba_reference.processor_run_history WHERE output_table = @table",
        table="player_lines",
    )
    assert [row["processing_decision"] for row in rows] == ["already_done"]


def test_running_everything_again_writes_nothing(survivor: Pipeline) -> None:
    before, digests = written_by(survivor), survivor.digests(DAYS)
    assert all(survivor.run_all(TABLES, FIRST, LAST).values())
    assert decisions(survivor) == {("skipped", "already_done")}
    assert written_by(survivor) == before
    assert survivor.digests(DAYS) == digests


def test_nothing_is_left_in_staging(survivor: Pipeline) -> None:
    """What a killed process had staged is gone after the next run."""
    left = {
        table: survivor.query(f"SELECT COUNT(*) AS n FROM {ENTRIES[table].contract.staging_name}")[0]["n"]
        for table in TABLES
    }
    assert left == dict.fromkeys(TABLES, 0)
