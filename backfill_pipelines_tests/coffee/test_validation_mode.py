"""The validation mode: judged again, and nothing changed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backfill_pipelines.coffee.modes import BackfillRed
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.mode_cases import INCREMENTAL, applied, two_captures

SCOPE = replace(INCREMENTAL, mode="validation")


def test_it_changes_no_table_but_its_own(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    applied(coffee)
    before = coffee.digests()
    report = applied(coffee, SCOPE)
    assert dict(report.states) == {"ok": 2}
    assert report.more == {"account": "14 of 14 accounted for, 0 unexplained", "would_repair": []}
    assert coffee.digests() == before
    assert coffee.value("SELECT count(*) FROM intake_control WHERE alerts_muted_until IS NOT NULL") == 0
    assert coffee.value("SELECT count(*) FROM validation_results WHERE NOT passed") == 0
    assert coffee.value("SELECT count(DISTINCT rule) FROM validation_results") == 24


def test_it_names_a_damaged_body_and_what_incremental_would_take_up(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    applied(coffee)
    late = coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=2))
    coffee.objects.write(late.storage_uri, b"damaged")
    before = coffee.digests()
    with pytest.raises(BackfillRed, match="stored_bodies_match_their_hash"):
        applied(coffee, SCOPE)
    assert coffee.digests() == before
    run = coffee.value("SELECT totals FROM backfill_runs WHERE mode = 'validation'")
    assert run["would_repair"] == ["2025-09-28|blue-tokai"]
    assert coffee.value("SELECT count(*) FROM validation_results WHERE NOT passed") > 0
