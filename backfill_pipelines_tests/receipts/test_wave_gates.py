"""What the ledger says about a wave: is it done, and are its ratios proven good? The numbers are the spec's."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from backfill_pipelines.receipts.gate_results import GateResult, GateVerdict
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Entry
from backfill_pipelines.receipts.outcomes import Outcome, Reason, outcome_of
from backfill_pipelines.receipts.place_building import Quarantined
from backfill_pipelines.receipts.wave_gates import (
    ERROR_RATE,
    MALFORMED_RATIO,
    NAME_ADDRESS,
    WAVE_COMPLETE,
    WITHOUT_PLACE_RATIO,
    WRITE_ERROR_RATE,
    Calls,
    WaveScope,
    judge_canary,
    judge_wave,
)
from backfill_pipelines_tests.receipts.builders import PLACE_ID, RUN, built
from backfill_pipelines_tests.receipts.migration_world import key_in, manifest_of, manifest_row, plan_over

#: The waves of the real rows: 5, 7, 31 and 45 records.
COUNTS = {"00": 5, "10": 7, "1f": 31, "72": 45}
PLAN = plan_over(COUNTS)
KEYS = [key_in(bucket, number) for bucket, count in COUNTS.items() for number in range(count)]
ROWS = [manifest_row(key) for key in KEYS]
CORRUPT = key_in("10", 3)


def entry(key: RecordKey, what: Outcome | Reason = Outcome.CREATED, *, is_suspicious: bool = False) -> Entry:
    is_reason = isinstance(what, Reason)
    return Entry(
        plan_id=PLAN.plan_id,
        key=key,
        place_id=PLACE_ID,
        run_id=RUN,
        kind="create",
        content_digest="digest",
        before_image="",
        outcome=outcome_of(what) if isinstance(what, Reason) else what,
        reason=str(what) if is_reason else "",
        detail="",
        size=3000,
        write_units=18.0,
        is_suspicious=is_suspicious,
        notes=(),
        at="2026-01-05T12:00:00+00:00",
    )


def ledger_of(number: int, changes: Mapping[RecordKey, Entry] | None = None) -> dict[RecordKey, Entry]:
    """All records of the waves so far created, but for the changes."""
    buckets = WaveScope(PLAN, number).buckets
    return {key: entry(key) for key in KEYS if key.bucket in buckets} | dict(changes or {})


def judged(number: int, changes: Mapping[RecordKey, Entry] | None = None, **options: object) -> dict[str, GateResult]:
    given = {"calls": Calls(400), "accepted": (), "manifest": manifest_of(ROWS), "rows": ROWS} | options
    results = judge_wave(
        WaveScope(PLAN, number),
        given["manifest"],  # type: ignore[arg-type]
        given["rows"],  # type: ignore[arg-type]
        ledger_of(number, changes),
        given["calls"],  # type: ignore[arg-type]
        given["accepted"],  # type: ignore[arg-type]
    )
    return {result.gate: result for result in results}


def test_the_waves_are_those_of_the_real_rows() -> None:
    assert [wave.records for wave in PLAN.waves] == [5, 7, 31, 45]


def test_one_quarantined_record_of_twelve_needs_more_data_and_one_of_all_passes() -> None:
    corrupt = {CORRUPT: entry(CORRUPT, Reason.MALFORMED_ID)}
    second = judged(2, corrupt)[WITHOUT_PLACE_RATIO]
    assert second.verdict is GateVerdict.NEED_MORE_DATA
    assert (second.values["failures"], second.values["measured"]) == (1, 12)
    assert (round(second.values["lower"], 4), round(second.values["upper"], 4)) == (0.0149, 0.3539)
    assert second.culprits == (f"{CORRUPT.name}: malformed_id {PLACE_ID}",)
    last = judged(4, corrupt)[WITHOUT_PLACE_RATIO]
    assert last.verdict is GateVerdict.PASS
    assert last.values["measured"] == 88
    assert round(last.values["upper"], 3) == 0.062
    assert "1 of 88 (1.14%), that is everything" in last.text


def test_two_of_all_fail_and_a_record_accepted_by_name_leaves_the_numerator() -> None:
    two = {
        key: entry(key, reason) for key, reason in ((CORRUPT, Reason.OBSOLETE_ID), (KEYS[0], Reason.EXISTING_CONFLICT))
    }
    failed = judged(4, two)[WITHOUT_PLACE_RATIO]
    assert failed.verdict is GateVerdict.FAIL
    assert len(failed.culprits) == 2
    accepted = judged(4, two, accepted=[CORRUPT.name])[WITHOUT_PLACE_RATIO]
    assert accepted.verdict is GateVerdict.PASS
    assert accepted.values["accepted_by_name"] == 1
    assert accepted.culprits == (f"{KEYS[0].name}: existing_conflict {PLACE_ID}",)


@pytest.mark.parametrize(
    ("suspicious", "verdict"), [(0, GateVerdict.PASS), (4, GateVerdict.PASS), (5, GateVerdict.FAIL)]
)
def test_names_and_addresses_of_all_places_are_judged_by_the_plain_ratio(suspicious: int, verdict: GateVerdict) -> None:
    odd = {key: entry(key, is_suspicious=True) for key in KEYS[:suspicious]}
    result = judged(4, odd)[NAME_ADDRESS]
    assert result.verdict is verdict
    assert result.culprits == tuple(f"{key.name}: {PLACE_ID}" for key in KEYS[:suspicious])


def test_unrelated_places_fail_long_before_the_end() -> None:
    odd = {key: entry(key, is_suspicious=True) for key in KEYS[:12]}
    assert judged(2, odd)[NAME_ADDRESS].verdict is GateVerdict.FAIL


@pytest.mark.parametrize("what", [Reason.WRITE_ERROR, Reason.PARKED_BUDGET, None])
def test_a_wave_with_an_open_record_is_not_complete_and_not_the_whole_population(what: Reason | None) -> None:
    changes = {} if what is None else {KEYS[-1]: entry(KEYS[-1], what)}
    entries = ledger_of(4, changes)
    if what is None:
        del entries[KEYS[-1]]
    results = {r.gate: r for r in judge_wave(WaveScope(PLAN, 4), manifest_of(ROWS), ROWS, entries, Calls(10))}
    complete = results[WAVE_COMPLETE]
    assert complete.verdict is GateVerdict.FAIL
    (culprit,) = complete.culprits
    assert culprit.startswith(KEYS[-1].name)
    assert "backfill receipts run --wave 4 --apply" in complete.repair
    assert not results[WITHOUT_PLACE_RATIO].values["is_whole_population"]


def test_an_intent_without_an_outcome_is_open() -> None:
    silent = {KEYS[0]: replace(entry(KEYS[0]), outcome=None)}
    (culprit,) = judged(1, silent)[WAVE_COMPLETE].culprits
    assert culprit == f"{KEYS[0].name}: intent without outcome"


def test_a_failed_write_is_named() -> None:
    failed = judged(4, {KEYS[0]: entry(KEYS[0], Reason.WRITE_ERROR)})[WRITE_ERROR_RATE]
    assert failed.verdict is GateVerdict.NEED_MORE_DATA
    assert failed.culprits == (f"{KEYS[0].name}: write_error",)
    assert judged(4)[WRITE_ERROR_RATE].verdict is GateVerdict.PASS


@pytest.mark.parametrize(
    ("exhausted", "calls", "verdict"),
    [
        (0, 380, GateVerdict.NEED_MORE_DATA),
        (0, 381, GateVerdict.PASS),
        (3, 1000, GateVerdict.PASS),
        (4, 1000, GateVerdict.NEED_MORE_DATA),
        (20, 1000, GateVerdict.FAIL),
        (0, 0, GateVerdict.NEED_MORE_DATA),
    ],
)
def test_unanswered_calls_are_judged_by_what_they_prove(exhausted: int, calls: int, verdict: GateVerdict) -> None:
    ids = tuple(f"ChIJ{number}" for number in range(exhausted))
    result = judged(2, calls=Calls(calls, ids))[ERROR_RATE]
    assert result.verdict is verdict
    assert result.culprits == ids


def test_malformed_rows_are_judged_over_the_whole_table() -> None:
    few = manifest_of(ROWS, malformed_by_reason={"sk_unparsable": 1}, scanned_metadata=101)
    assert judged(1, manifest=few)[MALFORMED_RATIO].verdict is GateVerdict.PASS
    many = manifest_of(ROWS, malformed_by_reason={"sk_unparsable": 1}, scanned_metadata=100)
    result = judged(1, manifest=many)[MALFORMED_RATIO]
    assert result.verdict is GateVerdict.FAIL
    assert result.culprits == ("sk_unparsable: 1 rows",)


def test_a_canary_is_clean_when_everything_could_be_built() -> None:
    unknown_id = Quarantined(Reason.MALFORMED_ID, "400")
    assert judge_canary([(KEYS[0], built()), (KEYS[1], unknown_id)]).verdict is GateVerdict.PASS


def test_a_canary_names_what_could_not_be_built_and_what_was_built_wrong() -> None:
    good = built()
    wrong_cell = replace(good, item={**good.item, "geohash": {"S": "s00000"}})
    wrong_confidence = replace(good, place=replace(good.place, confidence=Decimal("0.99")))
    result = judge_canary(
        [
            (KEYS[0], Quarantined(Reason.INVALID_ITEM, "a coordinate is out of range")),
            (KEYS[1], wrong_cell),
            (KEYS[2], wrong_confidence),
        ]
    )
    assert result.verdict is GateVerdict.FAIL
    assert [culprit.partition(": ")[0] for culprit in result.culprits] == [key.name for key in KEYS[:3]]
    assert "invalid_item" in result.culprits[0]
    assert "geohash 's00000' is not '9q5ds8'" in result.culprits[1]
    assert "confidence 0.99 is none of 0.30, 0.50, 0.65, 0.95" in result.culprits[2]


def test_a_canary_of_nothing_is_not_clean() -> None:
    assert judge_canary([]).verdict is GateVerdict.FAIL
