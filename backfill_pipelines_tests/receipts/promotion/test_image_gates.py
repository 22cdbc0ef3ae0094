"""Each gate of a bucket of images: green on a good copy, red on the harm it is there for, with the culprit's name."""

from dataclasses import replace
from typing import Any

import pytest

from backfill_pipelines.receipts.promotion.image_evidence import Evidence, Finding, ImageResult, evidence_of
from backfill_pipelines.receipts.promotion.image_gates import GATES, BucketEvidence, errors_judgement, measure
from backfill_pipelines.receipts.promotion.image_outcomes import ImageOutcome, ImageState
from backfill_pipelines.receipts.promotion.image_state import Observed
from backfill_pipelines.receipts.promotion.promotion_rows import ImageEntry
from backfill_pipelines.receipts.ratio_gates import RatioVerdict
from backfill_pipelines_tests.receipts.promotion.copy_world import image, planned
from backfill_pipelines_tests.receipts.promotion.exports import RAW

GOOD = Evidence("f1", "f1", Finding(3), Finding(2), Finding(2), Finding(3))
COPIED = ImageResult(
    image(1), ImageOutcome.COPIED, planned={"WORD": 3}, written={"WORD": 2}, already_equal={"WORD": 1}, evidence=GOOD
)
ENTRY = ImageEntry(
    image_id=image(1),
    bucket="01",
    run_id="pr-1",
    fingerprint="f1",
    outcome=ImageOutcome.COPIED,
    reason="",
    detail="",
    before_image="",
    write_units=3.0,
    begun={1: "10:00", 2: "10:01", 3: "10:03", 4: "10:04"},
    done={1: "10:01", 2: "10:02", 3: "10:04", 4: "10:05"},
    at="10:05",
)
BUCKET = BucketEvidence(1, [COPIED], [ENTRY], {image(1): 2}, {"WORD": 2})
WRONG = Finding(3, 1, (f"{image(1)} LINE#00001 is wrong",))


def with_result(**changes: Any) -> BucketEvidence:
    return replace(BUCKET, results=[replace(COPIED, **changes)])


def with_evidence(**changes: Any) -> BucketEvidence:
    return with_result(evidence=replace(GOOD, **changes))


HARMS = {
    "every_image_is_settled": with_result(outcome=ImageOutcome.FAILED, reason="write_error"),
    "totals_reconcile": replace(BUCKET, applied={image(1): 1}),
    "copy_complete": with_result(written={"WORD": 1}),
    "fingerprint_equal": with_evidence(fingerprint_found="f2"),
    "items_equal": with_evidence(items=WRONG),
    "embedding_keys": with_evidence(embedding=WRONG),
    "place_before_words": replace(BUCKET, entries=[replace(ENTRY, done={1: "10:01", 2: "10:03"})]),
    "no_dev_buckets": with_evidence(buckets=WRONG),
    "never_list_absent": with_evidence(never=WRONG),
}
BY_NAME = {gate.name: gate for gate in GATES}


def test_every_gate_has_its_harm() -> None:
    assert list(HARMS) == list(BY_NAME)


@pytest.mark.parametrize("name", list(HARMS))
def test_a_gate_passes_on_a_good_copy(name: str) -> None:
    found = measure(BY_NAME[name], BUCKET)
    assert found.violations == 0
    assert found.expected > 0, "a gate that measured nothing has not passed"


@pytest.mark.parametrize("name", list(HARMS))
def test_a_gate_is_red_on_its_harm_and_names_the_culprit(name: str) -> None:
    found = measure(BY_NAME[name], HARMS[name])
    assert found.violations == 1
    assert image(1) in found.sample[0]


@pytest.mark.parametrize("name", list(HARMS))
def test_a_gate_says_that_a_bucket_without_images_has_nothing_to_measure(name: str) -> None:
    found = measure(BY_NAME[name], BucketEvidence(0, [], [], {}, {}))
    assert (found.violations, found.note.split(":")[0]) == (0, "not applicable")


def test_a_type_that_is_never_migrated_in_the_ledger_is_red_even_if_nobody_reads_it_back() -> None:
    found = measure(BY_NAME["never_list_absent"], replace(BUCKET, applied_types={"WORD": 2, "COMPACTION_RUN": 1}))
    assert (found.violations, found.sample) == (1, ("the ledger has 1 items of COMPACTION_RUN",))


def test_an_image_that_got_no_outcome_does_not_add_up() -> None:
    found = measure(BY_NAME["totals_reconcile"], replace(BUCKET, images=2))
    assert found.sample == ("2 images in scope, 1 outcomes",)


def seen_with(sk: str, **changes: Any) -> Observed:
    """The partition of a good image with one item changed; ``...`` takes an attribute away."""
    one = planned(1, words=2)
    items = {item.key[1]: dict(item.item) for item in one.items}
    digests = {item.key[1]: item.digest for item in one.items}
    if changes:
        changed = items[sk] | changes
        items[sk], digests[sk] = {name: value for name, value in changed.items() if value is not ...}, "other"
    return Observed(ImageState.IDENTICAL, items, digests, one.fingerprint)


WORD = "RECEIPT#00001#LINE#00001#WORD#00002"


def test_what_is_read_back_of_a_good_image_has_no_culprits() -> None:
    one = planned(1, words=2)
    found = evidence_of(one, seen_with(WORD), source_buckets=[RAW], is_new=True, ours=[WORD])
    assert (found.items.measured, found.items.wrong) == (len(one.items), 0)
    assert (found.embedding.measured, found.embedding.wrong) == (3, 0)
    assert found.buckets.measured > 0
    assert (found.buckets.wrong, found.never.wrong) == (0, 0)


def test_a_word_that_is_embedded_already_or_has_another_index_key_is_a_culprit() -> None:
    one = planned(1, words=2)
    for changes in ({"embedding_status": {"S": "SUCCESS"}}, {"GSI1PK": {"S": "EMBEDDING_STATUS#SUCCESS"}}):
        found = evidence_of(one, seen_with(WORD, **changes), source_buckets=[], is_new=True)
        assert (found.embedding.wrong, found.items.wrong) == (1, 1)
        assert WORD in found.embedding.sample[0]


def test_an_image_that_was_there_before_may_have_been_embedded_since_if_its_keys_say_so() -> None:
    one = planned(1, words=2)
    done = {"embedding_status": {"S": "SUCCESS"}, "GSI1PK": {"S": "EMBEDDING_STATUS#SUCCESS"}}
    found = evidence_of(one, seen_with(WORD, **done), source_buckets=[], is_new=False)
    assert (found.embedding.wrong, found.items.measured) == (0, 0)


def test_a_bucket_of_the_source_is_found_in_any_attribute_that_names_one() -> None:
    found = evidence_of(
        planned(1, words=2), seen_with(WORD, thumbnail_s3_bucket={"S": RAW}), source_buckets=[RAW], is_new=True
    )
    assert found.buckets.sample == (f"{image(1)} {WORD} thumbnail_s3_bucket is {RAW}",)


def test_an_item_of_ours_that_must_never_be_migrated_is_found_and_one_of_prods_own_is_not() -> None:
    seen = seen_with(WORD, TYPE={"S": "COMPACTION_RUN"})
    assert evidence_of(planned(1, words=2), seen, source_buckets=[], is_new=True, ours=[WORD]).never.wrong == 1
    assert evidence_of(planned(1, words=2), seen, source_buckets=[], is_new=True).never.wrong == 0


@pytest.mark.parametrize(
    ("quarantined", "attempted", "images", "verdict"),
    [
        (0, 6, 6, RatioVerdict.PASS),
        (1, 6, 6, RatioVerdict.FAIL),
        (0, 380, 1000, RatioVerdict.NEED_MORE_DATA),
        (0, 381, 1000, RatioVerdict.PASS),
        (20, 1000, 2000, RatioVerdict.FAIL),
        (9, 1000, 1000, RatioVerdict.PASS),
    ],
)
def test_quarantined_images_of_a_run_are_judged_by_wilson_until_all_had_their_turn(
    quarantined: int, attempted: int, images: int, verdict: RatioVerdict
) -> None:
    assert errors_judgement(quarantined, attempted, images).verdict is verdict
