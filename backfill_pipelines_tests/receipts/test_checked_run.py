"""The sample rows, migrated wave by wave, verified and decided: the numbers of the specification."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backfill_pipelines.receipts import query_gates
from backfill_pipelines.receipts.decision_records import Choice, DecisionRefused, Evidence
from backfill_pipelines.receipts.decisions import (
    CANARY,
    WaveNotReleased,
    decide,
    record_canary,
    require_released,
    wave_digest,
)
from backfill_pipelines.receipts.gate_results import GateResult, exact
from backfill_pipelines.receipts.verification import (
    Stores,
    Verification,
    evidence_for,
    load_audit,
    save_verification,
    verify,
)
from backfill_pipelines_tests.receipts.fake_places import FakePlaces, refusal
from backfill_pipelines_tests.receipts.real_rows import CORRUPT_ID, as_item, needs_real_rows, sample
from backfill_pipelines_tests.receipts.writing_world import World, failure, world

pytestmark = needs_real_rows

UNSURE_YET = "a small wave proves nothing"


@pytest.fixture(scope="module")
def here(ministack_endpoint: str, ministack_state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    rows = sample()
    places = FakePlaces({i: rows.answer(i, "echo") for i in rows.place_ids if i != CORRUPT_ID})
    places.script[CORRUPT_ID] = refusal(400, "INVALID_ARGUMENT", f"Not a valid Place ID: {CORRUPT_ID}")
    with (
        pytest.MonkeyPatch.context() as patch,
        world(ministack_endpoint, ministack_state, tmp_path_factory.mktemp("checked"), places) as made,
    ):
        for name, value in (("LATENCY_SAMPLES", 2), ("_MOST_PAGES", 8), ("_SAMPLED_PAGES", 2)):
            patch.setattr(query_gates, name, value)
        metadata = [as_item(row) for row in rows.plain_rows]
        receipts = [
            {"PK": r["PK"], "SK": {"S": r["SK"]["S"].removesuffix("#METADATA")}, "TYPE": {"S": "RECEIPT"}}
            for r in metadata
        ]
        made.release = lambda: None  # type: ignore[method-assign]
        made.prepare([*metadata, *receipts])
        yield made


@pytest.fixture(scope="module")
def stores(here: World) -> Stores:
    return Stores(here.place.store, here.place.objects, here.control, here.settings)


@pytest.fixture(scope="module")
def verified(here: World, stores: Stores) -> dict[int, Verification]:
    """Each wave run and decided, one after the other; the second and the last are verified."""
    found: dict[int, Verification] = {}
    for wave in here.plan.waves:
        result = here.run(wave.first_bucket, wave.last_bucket)
        assert result.success, failure(result)
        if wave.number == 1:
            after = here.plan.waves[1]
            refused = here.run(after.first_bucket, after.first_bucket)
            assert "wave 1 is not decided. Repair: backfill receipts verify --wave 1" in failure(refused)
        if wave.number % 2:
            digest = wave_digest(here.entries().values(), wave)
            evidence = Evidence(str(wave.number), digest, ())
            decide(stores.objects, here.plan, evidence, Choice.PROCEED, who="Bob", reason="looked at elsewhere")
            continue
        found[wave.number] = verify(stores, load_audit(stores, here.plan, wave.number))
        save_verification(stores.objects, here.plan, found[wave.number])
        if wave.number == 2:
            with pytest.raises(DecisionRefused, match="NEED_MORE_DATA: accept that with"):
                proceed(here, stores, 2)
        proceed(here, stores, wave.number, UNSURE_YET if wave.number == 2 else "")
    return found


def proceed(here: World, stores: Stores, wave: int, accepted: str = "") -> None:
    evidence = evidence_for(stores, here.plan, wave, Choice.PROCEED)
    decide(
        stores.objects,
        here.plan,
        evidence,
        Choice.PROCEED,
        who="Ada",
        reason="looked at",
        accept_need_more_data=accepted,
    )


def of(verification: Verification, gate: str) -> GateResult:
    return next(result for result in verification.evidence.results if result.gate == gate)


def test_after_wave_2_one_of_twelve_needs_more_data_and_at_the_end_one_of_all_passes(
    verified: dict[int, Verification],
) -> None:
    second, last = (of(verified[wave], "metadata_without_place_ratio") for wave in (2, 4))
    assert (str(second.verdict), second.values["failures"], second.values["measured"]) == ("NEED_MORE_DATA", 1, 12)
    assert (round(second.values["lower"], 4), round(second.values["upper"], 4)) == (0.0149, 0.3539)
    assert CORRUPT_ID in second.culprits[0]
    assert (str(last.verdict), last.values["failures"], last.values["measured"]) == ("PASS", 1, 88)


def test_no_gate_is_red_after_any_wave_and_all_are_green_at_the_end(verified: dict[int, Verification]) -> None:
    for verification in verified.values():
        assert [line for result in verification.red for line in result.lines] == []
    verdicts = {result.gate: str(result.verdict) for result in verified[4].evidence.results}
    assert {gate for gate, verdict in verdicts.items() if verdict == "NEED_MORE_DATA"} == set()
    assert {g for g, v in verdicts.items() if v == "NOT_APPLICABLE"} == {"gsi_latency", "no_degradation", "dual_write"}


def test_the_totals_are_those_of_the_specification(verified: dict[int, Verification]) -> None:
    values = of(verified[4], "totals_reconcile").values
    wanted = {
        "scanned_metadata": 89,
        "eligible": 88,
        "ineligible": 1,
        "malformed": 0,
        "created": 87,
        "quarantined": 1,
        "distinct_place_ids": 42,
        "ids_ok": 41,
        "ids_malformed": 1,
        "http_attempts": 42,
        "places_after": 87,
    }
    assert {name: values[name] for name in wanted} == wanted
    assert of(verified[4], "geohash_distribution").values["top_cells"] == {
        "gcpvj1": 68,
        "gcpvj3": 13,
        "gcpvj4": 4,
        "gcpvj0": 2,
    }
    assert of(verified[4], "name_address_match").values["failures"] == 0
    assert of(verified[4], "gsi_correct").values["partitions"]["GSI1"] == 36


def test_writing_a_bucket_of_wave_2_again_voids_its_decision(
    here: World, stores: Stores, verified: dict[int, Verification]
) -> None:
    require_released(stores.objects, here.ledger, here.plan, 3)
    here.ledger.forget([key for key in here.entries() if key.bucket == "1e"])
    assert here.run("1e", "1e").success
    with pytest.raises(WaveNotReleased, match="is void: a bucket was written again or rolled back since"):
        require_released(stores.objects, here.ledger, here.plan, 3)
    assert of(verified[2], "wave_complete").passed


def test_a_canary_that_is_not_clean_holds_the_first_wave(here: World, stores: Stores) -> None:
    record_canary(stores.objects, here.plan, [exact("canary_clean", "1", ["x"], "fix")], who="run")
    with pytest.raises(WaveNotReleased, match=CANARY):
        require_released(stores.objects, here.ledger, here.plan, 1)
