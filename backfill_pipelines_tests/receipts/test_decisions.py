"""A wave begins only when people have decided so, on evidence that still holds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backfill_pipelines.receipts.decision_records import (
    Choice,
    Decision,
    DecisionRefused,
    Evidence,
    decisions,
    latest_decision,
)
from backfill_pipelines.receipts.decisions import (
    Role,
    WaveNotReleased,
    accepted_records,
    decide,
    missing_signatures,
    record_canary,
    require_released,
    sign_off,
    wave_digest,
)
from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict, exact
from backfill_pipelines.receipts.outcomes import Outcome
from backfill_pipelines_tests.receipts.migration_world import NOW, Migration, key_in, migration, plan_over

GREEN = exact("totals_reconcile", "all add up", [], "look")
RED = exact("no_duplicates", "2 for one record", ["3f../1"], "delete one")
UNSURE = GateResult("error_rate", GateVerdict.NEED_MORE_DATA, "0 of 12")
FIRST = [key_in("00", number) for number in range(3)]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Migration]:
    with migration(tmp_path, plan_over({"00": 3, "01": 3, "02": 20, "80": 34})) as made:
        made.settle(FIRST)
        yield made


def evidence(world: Migration, wave: int, *results: GateResult) -> Evidence:
    found = world.plan.waves[wave - 1]
    entries = world.ledger.entries(buckets=found.buckets).values()
    return Evidence(str(wave), wave_digest(entries, found), results or (GREEN,))


def decided(world: Migration, wave: int = 1, choice: Choice = Choice.PROCEED, *results: GateResult) -> Decision:
    return decide(
        world.objects,
        world.plan,
        evidence(world, wave, *results),
        choice,
        who="Ada",
        reason="looks good",
        accept_need_more_data="a small wave proves nothing" if UNSURE in results else "",
        now=NOW,
    )


def released(world: Migration, wave: int, days: float = 0) -> None:
    require_released(world.objects, world.ledger, world.plan, wave, NOW + timedelta(days=days))


def refusal(world: Migration, wave: int = 2, days: float = 0) -> str:
    with pytest.raises(WaveNotReleased) as raised:
        released(world, wave, days)
    return str(raised.value)


def test_the_first_wave_needs_a_clean_canary(world: Migration) -> None:
    assert "no canary was run. Repair: backfill receipts run --canary" in refusal(world, 1)
    record_canary(world.objects, world.plan, [exact("canary_clean", "1 build error", ["x"], "fix")], who="run", now=NOW)
    assert "was not clean: canary_clean" in refusal(world, 1)
    record_canary(world.objects, world.plan, [exact("canary_clean", "clean", [], "")], who="run", now=NOW)
    released(world, 1)
    assert "expired" in refusal(world, 1, days=7)


def test_a_canary_is_void_when_the_settings_changed_but_not_with_a_new_inventory(world: Migration) -> None:
    record_canary(world.objects, world.plan, [exact("canary_clean", "clean", [], "")], who="run", now=NOW)
    world.plan = replace(world.plan, manifest_digest="another", revision=2)
    released(world, 1)
    world.plan = replace(world.plan, settings_digest="another")
    assert "settings or the format of a place have changed since" in refusal(world, 1)


def test_the_next_wave_needs_a_decision_and_the_refusal_says_what_to_type(world: Migration) -> None:
    text = refusal(world)
    assert "wave 1 is not decided. Repair: backfill receipts verify --wave 1, then " in text
    assert "backfill receipts decide 1 proceed --who NAME --reason TEXT" in text
    decided(world)
    released(world, 2)
    assert "wave 2 is not decided" in refusal(world, 3)


def test_hold_and_rollback_do_not_release(world: Migration) -> None:
    decided(world, 1, Choice.HOLD, RED)
    assert "was decided hold by Ada" in refusal(world)
    decided(world, 1, Choice.ROLLBACK, RED)
    assert "was decided rollback by Ada" in refusal(world)


def test_a_decision_expires_after_seven_days(world: Migration) -> None:
    decided(world)
    released(world, 2, days=6.99)
    assert "has expired" in refusal(world, days=7)


@pytest.mark.parametrize("change", ["written again", "rolled back", "repaired"])
def test_a_decision_is_void_once_a_bucket_of_the_wave_changed(world: Migration, change: str) -> None:
    decided(world)
    if change == "rolled back":
        world.ledger.forget(FIRST[:1])
    else:
        world.settle(FIRST[:1], Outcome.ENRICHED if change == "repaired" else Outcome.CREATED)
    assert "is void: a bucket was written again or rolled back since" in refusal(world)


def test_another_wave_does_not_void_a_decision(world: Migration) -> None:
    decided(world)
    world.settle([key_in("01")])
    released(world, 2)


def test_nobody_can_accept_a_fail(world: Migration) -> None:
    with pytest.raises(DecisionRefused, match=r"no_duplicates FAIL, which nobody can accept") as raised:
        decided(world, 1, Choice.PROCEED, RED, UNSURE)
    assert "  3f../1\n  Repair: delete one" in str(raised.value)
    assert latest_decision(world.objects, world.plan.plan_id, "1") is None


def test_need_more_data_is_accepted_only_with_a_reason(world: Migration) -> None:
    with pytest.raises(DecisionRefused, match=r"error_rate NEED_MORE_DATA: accept that with --accept-need-more-data"):
        decide(
            world.objects,
            world.plan,
            evidence(world, 1, UNSURE),
            Choice.PROCEED,
            who="Ada",
            reason="all right",
            now=NOW,
        )
    decided(world, 1, Choice.PROCEED, UNSURE)
    released(world, 2)


@pytest.mark.parametrize(("who", "reason"), [(" ", "why"), ("Ada", "")])
def test_a_decision_says_who_and_why(world: Migration, who: str, reason: str) -> None:
    with pytest.raises(DecisionRefused, match="says who decided and why"):
        decide(world.objects, world.plan, evidence(world, 1), Choice.HOLD, who=who, reason=reason)


def test_every_decision_stays_and_reads_back_as_it_was_made(world: Migration) -> None:
    first = decided(world, 1, Choice.HOLD, RED, UNSURE)
    second = decided(world)
    assert decisions(world.objects, world.plan.plan_id, "1") == [first, second]
    assert [first.revision, second.revision] == [1, 2]


def test_a_decision_changed_by_hand_does_not_count(world: Migration) -> None:
    decided(world, 1, Choice.HOLD)
    key = f"receipts/waves/{world.plan.plan_id}/1/revision-000001.json"
    ((_, content),) = world.objects.read([key])
    world.objects.write(key, content.replace(b'"hold"', b'"proceed"'))
    with pytest.raises(DecisionRefused, match="was changed by hand"):
        released(world, 2)


def test_two_decisions_at_the_same_moment_do_not_overwrite_each_other(world: Migration) -> None:
    from backfill_pipelines.receipts.decision_records import save

    made = decided(world)
    with pytest.raises(DecisionRefused, match="at the same moment"):
        save(world.objects, replace(made, who="Bob"))
    assert decisions(world.objects, world.plan.plan_id, "1") == [made]


def test_records_accepted_by_name_stay_accepted(world: Migration) -> None:
    name = FIRST[0].name
    decide(
        world.objects,
        world.plan,
        evidence(world, 1),
        Choice.HOLD,
        who="Ada",
        reason="the shop is gone",
        accepted_records=[name],
        now=NOW,
    )
    decided(world)
    assert accepted_records(world.objects, world.plan) == {name}


def test_completion_needs_every_wave_and_three_people(world: Migration) -> None:
    def sign(role: Role, who: str, days: float = 0) -> Decision:
        return sign_off(
            world.objects,
            world.ledger,
            world.plan,
            role,
            who=who,
            reason="all gates are green",
            now=NOW + timedelta(days=days),
        )

    for wave in (1, 2, 3):
        decided(world, wave)
    with pytest.raises(DecisionRefused, match="wave 4 is not decided"):
        sign(Role.DATA, "Ada")
    decided(world, 4)
    sign(Role.DATA, "Ada")
    with pytest.raises(DecisionRefused, match="Ada has signed plan-20260105-0001 for data already"):
        sign(Role.OPERATIONS, "Ada")
    sign(Role.OPERATIONS, "Bob")
    (missing,) = missing_signatures(world.objects, world.ledger, world.plan, NOW)
    assert "the engineering lead has not signed. Repair: backfill receipts decide completion proceed" in missing
    sign(Role.ENGINEERING, "Eve")
    assert missing_signatures(world.objects, world.ledger, world.plan, NOW) == []
    world.ledger.forget(FIRST[:1])
    assert len(missing_signatures(world.objects, world.ledger, world.plan, NOW)) == 3
