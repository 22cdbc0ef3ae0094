"""Every gate of phase 4: it passes what is right, fails what is not and names it, and never passes by skipping."""

from datetime import date

import pytest

from backfill_pipelines.backfill.contracts import TableContract
from backfill_pipelines.backfill.gates import Gate, Verdict
from backfill_pipelines.nba.gates import TABLE_GATES
from backfill_pipelines.nba.tables_raw import SCHEDULE
from backfill_pipelines_tests.nba.analytics.builders import DAY, schedule
from backfill_pipelines_tests.nba.analytics.tables import Tables
from backfill_pipelines_tests.nba.gates.measuring import Case, gate_of, good_rows, verdicts
from backfill_pipelines_tests.nba.precompute.gate_cases import BAD, GOOD
from backfill_pipelines_tests.nba.precompute.season import PHASE_4, days_before

PAIRS = [(contract, gate) for contract in PHASE_4 for gate in TABLE_GATES[contract.full_name]]
NAMES = [f"{contract.name}-{gate.name}" for contract, gate in PAIRS]


def judged(request: pytest.FixtureRequest, case: Case) -> Verdict:
    """The verdict of a case; one that publishes nothing needs no warehouse of its own."""
    tables: Tables = request.getfixturevalue("tables" if case.published else "published")
    rows = case.change(good_rows(tables, case.contract))
    tables.publish(case.published)
    (verdict,) = verdicts(tables, case.contract, rows, [gate_of(case.contract, case.gate)]).values()
    return verdict


@pytest.mark.parametrize(("contract", "gate"), PAIRS, ids=NAMES)
def test_a_good_partition_passes(published: Tables, contract: TableContract, gate: Gate) -> None:
    verdict = verdicts(published, contract, good_rows(published, contract), [gate])[gate.name, str(DAY)]
    assert verdict.passed, verdict.text
    assert verdict.measurement.expected > 0, "nothing was measured"
    assert verdict.gate.blocking


@pytest.mark.parametrize("case", GOOD, ids=[case.name for case in GOOD])
def test_the_edge_of_a_rule_passes(request: pytest.FixtureRequest, case: Case) -> None:
    verdict = judged(request, case)
    assert verdict.passed, verdict.text


@pytest.mark.parametrize("case", BAD, ids=[case.name for case in BAD])
def test_a_bad_partition_fails_and_names_the_culprit(request: pytest.FixtureRequest, case: Case) -> None:
    verdict = judged(request, case)
    assert verdict.is_red
    assert case.culprit is not None
    assert case.culprit in verdict.text


@pytest.mark.parametrize(("contract", "gate"), PAIRS, ids=NAMES)
def test_every_gate_has_a_bad_case(contract: TableContract, gate: Gate) -> None:
    """A gate that was never seen red may not be able to be."""
    assert any(case.contract is contract and case.gate == gate.name for case in BAD)


@pytest.mark.parametrize("contract", PHASE_4, ids=lambda contract: contract.name)
def test_a_missing_date_is_red(published: Tables, contract: TableContract) -> None:
    found = verdicts(published, contract, [], TABLE_GATES[contract.full_name])
    red = [verdict.gate.name for verdict in found.values() if verdict.is_red]
    assert "nothing_looks_ahead" in red
    assert len(red) >= len(found) - 2


@pytest.mark.parametrize("contract", PHASE_4, ids=lambda contract: contract.name)
def test_a_bootstrap_day_is_empty_by_evidence(tables: Tables, contract: TableContract) -> None:
    """A game and its slate, twelve days after opening night."""
    day = date(2021, 10, 30)
    tables.on(day).publish({SCHEDULE: [schedule("20211030_BOS_NYK")]})
    for verdict in verdicts(tables, contract, [], TABLE_GATES[contract.full_name], days=[day]).values():
        assert verdict.passed
        assert verdict.measurement.note.startswith("not applicable, expected_empty: bootstrap; schedule: ")


@pytest.mark.parametrize("contract", PHASE_4, ids=lambda contract: contract.name)
def test_a_day_without_games_is_empty_by_evidence(published: Tables, contract: TableContract) -> None:
    day = date(2022, 1, 4)
    for verdict in verdicts(published, contract, [], TABLE_GATES[contract.full_name], days=[day]).values():
        assert verdict.passed
        assert verdict.measurement.note.startswith("not applicable, expected_empty: no_games; schedule: ")


@pytest.mark.parametrize("contract", PHASE_4[:2], ids=lambda contract: contract.name)
def test_a_row_from_the_fifth_game_on_is_expected_from_the_day_after(tables: Tables, contract: TableContract) -> None:
    """On the day of the fifth game nobody has five earlier ones."""
    gate = TABLE_GATES[contract.full_name][0]
    fifth, sixth = days_before(12)[4:6]
    found = verdicts(tables, contract, [], [gate], days=[fifth, sixth])
    assert found[gate.name, str(fifth)].passed
    assert found[gate.name, str(sixth)].measurement.violations == 2
