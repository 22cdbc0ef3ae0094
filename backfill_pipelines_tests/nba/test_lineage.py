"""Column lineage: kept with the code, refused when a statement has changed."""

import pytest

from backfill_pipelines.nba.catalog import BY_TABLE, CATALOG, Entry, all_contracts
from backfill_pipelines.nba.lineage import _kept as kept
from backfill_pipelines.nba.lineage import digest, lineage_of, trace
from backfill_pipelines.nba.statements import statement_of

COMPUTED = [entry for entry in CATALOG if statement_of(entry)]


@pytest.mark.parametrize("entry", COMPUTED, ids=[entry.contract.name for entry in COMPUTED])
def test_the_kept_lineage_belongs_to_the_statement_of_today(entry: Entry) -> None:
    message = "stale: run `python -m backfill_pipelines.nba.lineage`"
    assert kept()[entry.contract.full_name]["statement"] == digest(entry), message


@pytest.mark.parametrize("entry", COMPUTED, ids=[entry.contract.name for entry in COMPUTED])
def test_lineage_names_only_columns_that_exist(entry: Entry) -> None:
    contracts = all_contracts()
    columns = lineage_of(entry)
    assert columns is not None
    assert set(columns) == {column.name for column in entry.contract.business_columns}
    for parents in columns.values():
        for key, column in parents:
            assert column in contracts[".".join(key)].by_name


def test_tracing_gives_what_is_kept() -> None:
    entry = BY_TABLE["nba_analytics.team_defense_game_summary"]
    traced = {column: [[key, name] for key, name in parents] for column, parents in trace(entry).items()}
    assert traced == lineage_of(entry)
    assert traced["points_allowed"] == [[["nba_analytics", "team_offense_game_summary"], "points_scored"]]
