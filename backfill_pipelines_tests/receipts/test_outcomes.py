"""Every reason belongs to one outcome, and counts that do not reconcile name the equation and the difference."""

from dataclasses import fields, replace

import pytest

from backfill_pipelines.receipts.outcomes import (
    EQUATIONS,
    REASONS,
    SETTLED,
    WRITTEN,
    Outcome,
    Reason,
    Totals,
    imbalances,
    outcome_of,
)

#: The full run of the sample.
SAMPLE = Totals(
    scanned_metadata=89,
    eligible=88,
    ineligible=1,
    malformed=0,
    created=87,
    enriched=0,
    existing=0,
    quarantined=1,
    failed=0,
    parked=0,
    not_attempted=0,
    distinct_place_ids=42,
    ids_cache_fresh=0,
    ids_ok=41,
    ids_obsolete=0,
    ids_malformed=1,
    ids_bad=0,
    ids_failed=0,
    ids_parked=0,
    http_attempts=42,
    http_200=41,
    http_4xx=1,
    http_429=0,
    http_5xx=0,
    http_no_answer=0,
    places_before=0,
    places_after=87,
    places_by_others=0,
    places_removed_by_others=0,
    ledger_applied=87,
)


def test_each_reason_has_one_outcome() -> None:
    assert set(REASONS) == set(Outcome)
    assert sorted(reason for reasons in REASONS.values() for reason in reasons) == sorted(Reason)
    assert outcome_of(Reason.SOURCE_CHANGED) is Outcome.QUARANTINED
    assert outcome_of(Reason.EXISTING_CONFLICT) is Outcome.EXISTING


def test_what_is_settled_is_not_taken_up_again() -> None:
    assert {str(outcome) for outcome in SETTLED} == {"created", "enriched", "existing", "quarantined"}
    assert {str(outcome) for outcome in WRITTEN} == {"created", "enriched"}


def test_the_sample_reconciles() -> None:
    assert imbalances(SAMPLE) == ()


@pytest.mark.parametrize("name", [field.name for field in fields(Totals)])
def test_no_count_can_be_off_by_one(name: str) -> None:
    """A count that is in no equation would be decoration."""
    found = imbalances(replace(SAMPLE, **{name: getattr(SAMPLE, name) + 1}))
    assert found
    assert {abs(imbalance.difference) for imbalance in found} == {1}
    for imbalance in found:
        assert name in {imbalance.equation.total, *imbalance.equation.plus, *imbalance.equation.minus}


def test_an_imbalance_says_which_equation_and_by_how_much() -> None:
    (found,) = imbalances(replace(SAMPLE, places_after=90, places_by_others=2))
    assert found.difference == 1
    assert str(found) == (
        "places_after = places_before + created + places_by_others - places_removed_by_others: 90 is not 89 (+1)"
    )


def test_the_equations_are_those_of_the_plan() -> None:
    assert [str(equation) for equation in EQUATIONS][:2] == [
        "scanned_metadata = eligible + ineligible + malformed",
        "eligible = created + enriched + existing + quarantined + failed + parked + not_attempted",
    ]
    assert str(EQUATIONS[-1]) == "ledger_applied = created + enriched"
