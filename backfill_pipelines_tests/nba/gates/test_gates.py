"""Every gate of every table: it passes what is right, fails what is not and names it, and never passes by skipping."""

from collections.abc import Iterator, Mapping

import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.gates import Gate, Verdict
from backfill_pipelines.nba.catalog import CATALOG, PRECOMPUTE_PHASE
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.tables_raw import ROSTERS
from backfill_pipelines_tests.nba.analytics.builders import DAY
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.gates import analytics_cases, context_cases, raw_cases
from backfill_pipelines_tests.nba.gates.conftest import EXHIBITION_DAY
from backfill_pipelines_tests.nba.gates.measuring import Case, gate_of, good_rows, verdicts

BAD = [*raw_cases.BAD, *analytics_cases.BAD, *context_cases.BAD]
EDGES = [*raw_cases.GOOD, *analytics_cases.GOOD, *context_cases.GOOD]
#: Phase 4 needs a season behind the game: its gates are tested in ``nba/precompute``.
TABLES = [entry.contract for entry in CATALOG if entry.phase != PRECOMPUTE_PHASE]
PAIRS = [(contract, gate) for contract in TABLES for gate in TABLE_GATES[contract.full_name]]

Verdicts = Mapping[tuple[str, str], Verdict]


def names(pairs: list[tuple[TableContract, Gate]]) -> Iterator[str]:
    return (f"{contract.name}-{gate.name}" for contract, gate in pairs)


def judged(tables: Tables, case: Case) -> Verdict:
    rows = case.change(good_rows(tables, case.contract))
    tables.publish(case.published)
    (verdict,) = verdicts(tables, case.contract, rows, [gate_of(case.contract, case.gate)]).values()
    return verdict


@pytest.fixture(scope="module")
def good(published: Tables) -> dict[TableContract, Verdicts]:
    """Verdicts on the default game."""
    return {
        contract: verdicts(published, contract, good_rows(published, contract), TABLE_GATES[contract.full_name])
        for contract in TABLES
    }


@pytest.fixture(scope="module")
def empty(published: Tables) -> dict[TableContract, Verdicts]:
    """Verdicts on an exhibition day, where every table but the schedule has nothing."""
    return {
        contract: verdicts(published, contract, [], TABLE_GATES[contract.full_name], days=[EXHIBITION_DAY])
        for contract in TABLES[1:]
    }


@pytest.fixture(scope="module")
def missing(published: Tables) -> dict[TableContract, Verdicts]:
    """Verdicts on a date with games of which nothing was loaded."""
    return {contract: verdicts(published, contract, [], TABLE_GATES[contract.full_name]) for contract in TABLES[1:]}


@pytest.mark.parametrize(("contract", "gate"), PAIRS, ids=names(PAIRS))
def test_a_good_partition_passes(contract: TableContract, gate: Gate, good: dict[TableContract, Verdicts]) -> None:
    verdict = good[contract][gate.name, str(DAY)]
    assert verdict.passed, verdict.text
    assert verdict.measurement.expected > 0, "nothing was measured"


@pytest.mark.parametrize("case", EDGES, ids=[case.name for case in EDGES])
def test_the_edge_of_a_rule_passes(tables: Tables, case: Case) -> None:
    verdict = judged(tables, case)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize("case", BAD, ids=[case.name for case in BAD])
def test_a_bad_partition_fails_and_names_the_culprit(tables: Tables, case: Case) -> None:
    verdict = judged(tables, case)
    assert not verdict.passed
    assert case.culprit is not None
    assert case.culprit in verdict.text
    assert verdict.is_red is verdict.gate.blocking


@pytest.mark.parametrize(("contract", "gate"), PAIRS, ids=names(PAIRS))
def test_every_gate_has_a_bad_case(contract: TableContract, gate: Gate) -> None:
    """A gate that was never seen red may not be able to be."""
    assert any(case.contract is contract and case.gate == gate.name for case in BAD)


@pytest.mark.parametrize(("contract", "gate"), PAIRS[4:], ids=names(PAIRS[4:]))
def test_an_expected_empty_date_is_not_applicable_by_evidence(
    contract: TableContract, gate: Gate, empty: dict[TableContract, Verdicts]
) -> None:
    verdict = empty[contract][gate.name, str(EXHIBITION_DAY)]
    assert verdict.passed
    note = verdict.measurement.note
    assert note.startswith("not applicable, expected_empty: exhibition_only; schedule: ")
    assert "expected_games 0, exhibitions 1, cup_finals 0, empty_reason exhibition_only" in note


@pytest.mark.parametrize(("contract", "gate"), PAIRS[4:], ids=names(PAIRS[4:]))
def test_nothing_on_an_expected_date_is_red_unless_the_gate_may_be_empty(
    contract: TableContract, gate: Gate, missing: dict[TableContract, Verdicts]
) -> None:
    verdict = missing[contract][gate.name, str(DAY)]
    if gate.may_be_empty and not verdict.measurement.expected:
        assert verdict.passed
        expected = "2 teams" if contract is ROSTERS else "1 games"
        assert verdict.measurement.note == f"no rows to measure; state missing: 0 of {expected}"
    else:
        assert not verdict.passed
        assert verdict.measurement.sample


@pytest.mark.parametrize("contract", TABLES[1:], ids=lambda contract: contract.name)
def test_a_missing_date_is_red_by_some_gate(contract: TableContract, missing: dict[TableContract, Verdicts]) -> None:
    """Every gate may pass an empty partition only because another one does not."""
    assert [verdict.gate.name for verdict in missing[contract].values() if not verdict.passed]


def test_a_statement_that_measures_nothing_says_so(missing: dict[TableContract, Verdicts]) -> None:
    offence = missing[analytics_cases.TEAM_OFFENSE]["offence_is_plausible", str(DAY)]
    assert offence.measurement.sample == ("nothing measured; state missing: 0 of 1 games",)
    assert offence.is_red
