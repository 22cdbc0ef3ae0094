"""Ratios that stop a run: cumulative, a record counted once, proven before they stop anything."""

import pytest

from backfill_pipelines.receipts.before_images import load_before_image, save_before_image
from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import Settlement
from backfill_pipelines.receipts.outcomes import Outcome, Reason, outcome_of
from backfill_pipelines.receipts.stop_rules import StopRules
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.builders import PLACE_ID
from backfill_pipelines_tests.receipts.receipt_tables import image


def settled(number: int, what: Outcome | Reason, *, is_suspicious: bool = False) -> Settlement:
    outcome, reason = (what, "") if isinstance(what, Outcome) else (outcome_of(what), str(what))
    return Settlement(RecordKey.of(image(0), number), PLACE_ID, outcome, reason, is_suspicious=is_suspicious)


def test_nothing_and_good_outcomes_stop_nothing() -> None:
    rules = StopRules()
    assert rules.broken() == ""
    rules.count([settled(number, Outcome.CREATED) for number in range(1, 1000)])
    assert rules.broken() == ""


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (Reason.WRITE_ERROR, "write_error_rate"),
        (Reason.OBSOLETE_ID, "metadata_without_place_ratio FAIL"),
        (Reason.EXISTING_CONFLICT, "metadata_without_place_ratio FAIL"),
    ],
)
def test_a_ratio_stops_once_its_lower_bound_is_beyond_the_threshold(what: Reason, name: str) -> None:
    good = {(Outcome.CREATED, "", False): 1000}
    rules = StopRules(good)
    rules.count([settled(number, what) for number in range(1, 21)])
    assert (rules.broken() != "") == (what is Reason.WRITE_ERROR)
    rules.count([settled(number, what) for number in range(21, 61)])
    assert rules.broken().startswith(name)


def test_suspicious_places_stop_a_run() -> None:
    rules = StopRules()
    rules.count([settled(number, Outcome.CREATED, is_suspicious=number % 2 == 0) for number in range(1, 60)])
    assert rules.broken().startswith("name_address_match FAIL")
    assert rules.broken(with_suspicions=False) == ""


def test_a_record_counts_once_with_its_latest_outcome() -> None:
    rules = StopRules()
    rules.count([settled(number, Reason.WRITE_ERROR) for number in range(1, 60)])
    assert rules.broken()
    rules.count([settled(number, Outcome.CREATED) for number in range(1, 60)])
    assert rules.broken() == ""


def test_records_accepted_by_name_do_not_count_and_of_everything_the_plain_ratio_decides() -> None:
    tally = {(Outcome.CREATED, "", False): 50, (Outcome.QUARANTINED, "obsolete_id", False): 10}
    assert StopRules(tally).broken()
    assert StopRules(tally, accepted=10).broken() == ""
    one = {(Outcome.CREATED, "", False): 87, (Outcome.QUARANTINED, "malformed_id", False): 1}
    assert StopRules(one, population=88).broken() == ""


def test_a_before_image_comes_back_as_it_was_binary_values_too(tmp_path: object) -> None:
    objects = ObjectStore(url=str(tmp_path), is_own=True)
    item = {
        "PK": {"S": "IMAGE#a"},
        "B": {"B": b"\x00\xff"},
        "BS": {"BS": [b"a", b"b"]},
        "M": {"M": {"B": {"B": b"x"}, "L": {"L": [{"B": b"y"}, {"NULL": True}]}}},
    }
    reference = save_before_image(objects, "plan", "run", RecordKey.of(image(1), 2), item)
    assert reference == f"receipts/before-images/plan/run/{image(1)}-00002.json"
    assert load_before_image(objects, reference) == item
