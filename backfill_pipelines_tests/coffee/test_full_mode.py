"""The full mode: everything again, beside the live tables, and swapped in as a whole."""

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.coffee import replay, time_limits
from backfill_pipelines.coffee.backfill_ledger import RunRefused
from backfill_pipelines.coffee.intake import intake, pause_intake
from backfill_pipelines.coffee.mode_world import BackupMissing, no_backup_yet
from backfill_pipelines.coffee.modes import BackfillRed, apply_plan, plan_backfill
from backfill_pipelines.coffee.names import COFFEES, PRICES, PRODUCT_ARTIFACTS, VARIANTS
from backfill_pipelines.coffee.plans import PlanRefused
from backfill_pipelines.coffee.progress import TooManyFailed
from backfill_pipelines.coffee.time_limits import PartitionTimedOut
from backfill_pipelines.stores.postgres import session_lock
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.mode_cases import INCREMENTAL, WEEK, applied, two_captures

SCOPE = replace(INCREMENTAL, mode="full")


def test_it_refuses_without_a_fresh_verified_backup(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    with pytest.raises(BackupMissing, match="verified by a restore within the last 24 hours"):
        applied(coffee, SCOPE, require_backup=no_backup_yet)
    assert coffee.value("SELECT count(*) FROM prices") == 0
    assert coffee.value("SELECT status FROM backfill_runs") == "planned", "it has not begun, its plan must hold"


def test_a_plan_that_was_stopped_before_it_did_anything_must_still_hold(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    plan = plan_backfill(coffee.modes(), SCOPE)
    coffee.execute("UPDATE backfill_runs SET status = 'failed'")
    coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=1))
    with pytest.raises(PlanRefused, match="was made from another state"):
        apply_plan(coffee.modes(), plan.id)


def test_more_than_a_tenth_red_publishes_nothing(coffee: CoffeeWorld) -> None:
    for days in range(10):
        coffee.store([] if days < 2 else shopify(), SUNDAY - timedelta(days=days))
    with pytest.raises(TooManyFailed, match="2 of 10 partitions have failed"):
        applied(coffee, SCOPE)
    assert coffee.value("SELECT count(*) FROM prices") == 0
    assert coffee.value("SELECT status FROM backfill_runs") == "aborted"
    back = dg.AssetCheckKey(COFFEES, READ_BACK_GATE)
    assert list(latest_verdicts(coffee.instance, [back])[back].values()) == [False, False], "no more is said"
    assert coffee.value("SELECT count(*) FROM backfill_partitions WHERE error LIKE 'capture_is_not_empty%'") == 2
    with coffee.postgres.connect("test") as connection:
        assert not intake(connection).paused


def test_its_gates_are_seen_in_dagster_partition_by_partition(coffee: CoffeeWorld) -> None:
    """As those of a replay: a person looks there for why a day is not published."""
    coffee.store([], SUNDAY - WEEK)
    coffee.store(shopify(), SUNDAY)
    with pytest.raises(BackfillRed, match="capture_is_not_empty"):
        applied(coffee, SCOPE)
    red, green = "2025-09-21|blue-tokai", "2025-09-28|blue-tokai"
    checks = [check for asset in coffee.assets[1:] for check in asset.check_keys]
    found = latest_verdicts(coffee.instance, checks)
    assert [check.name for check in checks if found[check].get(green) is not True] == []
    assert {(check.asset_key, check.name) for check in checks if found[check].get(red) is False} == {
        (PRODUCT_ARTIFACTS, "capture_is_not_empty"),
        (COFFEES, UPSTREAM_GATE),
        *((key, READ_BACK_GATE) for key in (PRODUCT_ARTIFACTS, COFFEES, VARIANTS, PRICES)),
    }
    infos = coffee.instance.event_log_storage.get_asset_check_partition_info(checks)
    aimed = {info.check_key for info in infos if info.partition_key == green and info.is_current}
    assert aimed == set(checks), "at what was published, or the UI takes them for stale"


def test_it_gives_what_incremental_gives(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    report = applied(coffee, SCOPE)
    assert dict(report.states) == {"ok": 2}
    assert report.more["difference"] == {"observations": {"new": 6}, "prices": {"new": 12}}
    full = coffee.digest()
    for key in (COFFEES, VARIANTS, PRICES):
        assert coffee.materialized(key) == ["2025-09-21|blue-tokai", "2025-09-28|blue-tokai"]
    assert dict(applied(coffee).states) == {}, "nothing is left for incremental"
    assert coffee.digest() == full
    assert coffee.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shadow_%'") == 0


def test_the_second_time_nothing_differs(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    applied(coffee, SCOPE)
    before = coffee.digests()
    report = applied(coffee, SCOPE)
    assert (report.more["difference"], report.rows, dict(report.written)) == ({}, 12, {})
    assert coffee.digests() == before


def test_a_missing_body_removes_no_history_and_is_reported(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    applied(coffee)
    before = coffee.digest()
    lost = coffee.value("SELECT storage_uri FROM scrape_artifacts ORDER BY observed_at LIMIT 1")
    (coffee.folder / "artifacts" / lost).unlink()
    with pytest.raises(BackfillRed, match="stored_bodies_match_their_hash"):
        applied(coffee, SCOPE)
    assert coffee.digest() == before
    totals = coffee.value("SELECT totals FROM backfill_runs WHERE mode = 'full'")
    assert totals["difference"] == {"observations": {"unreproduced": 3}, "prices": {"unreproduced": 6}}
    assert len(totals["unreproduced"]["observations"]) == 3


def test_the_intake_is_paused_meanwhile_and_resumed_also_after_a_failure(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    seen = list[str]()

    def dies(*_: Any) -> None:
        with coffee.postgres.connect("test") as connection:
            seen.append(intake(connection).text)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backfill_pipelines.coffee.full_mode.FullRun._swap", dies)
        with pytest.raises(KeyboardInterrupt):
            applied(coffee, SCOPE)
    assert "full backfill" in seen[0]
    with coffee.postgres.connect("test") as connection:
        assert not intake(connection).paused
    assert coffee.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shadow_%'") == 0
    assert coffee.value("SELECT count(*) FROM prices") == 0


@pytest.mark.parametrize("mode", ["full", "validation"])
def test_a_body_that_hangs_ends_the_backfill_and_publishes_nothing(
    coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch, mode: Any
) -> None:
    two_captures(coffee)
    monkeypatch.setattr(time_limits, "PARTITION_SECONDS", 0.05)
    monkeypatch.setattr(replay, "derive_capture", lambda *_: time.sleep(5))
    with pytest.raises(PartitionTimedOut, match=r"blue-tokai .*was not done after"):
        applied(coffee, replace(SCOPE, mode=mode))
    assert coffee.value("SELECT count(*) FROM prices") == 0
    assert coffee.value("SELECT status FROM backfill_runs") == "failed"


def test_a_pause_that_was_left_behind_by_a_kill_ends_with_the_backfill(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    plan = plan_backfill(coffee.modes(), SCOPE)
    with coffee.postgres.connect("test") as connection:
        pause_intake(connection, reason=f"full backfill {plan.id}", by="run that was killed")
    apply_plan(coffee.modes(), plan.id)
    with coffee.postgres.connect("test") as connection:
        assert not intake(connection).paused


def test_an_intake_that_was_paused_before_stays_so(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    with coffee.postgres.connect("test") as connection:
        pause_intake(connection, reason="the shop asked us to", by="ops")
    applied(coffee, SCOPE)
    with coffee.postgres.connect("test") as connection:
        assert intake(connection).text.endswith("by ops: the shop asked us to")


def test_there_is_one_at_a_time(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    with (
        coffee.postgres.connect("other", autocommit=True) as connection,
        session_lock(connection, "coffee:full"),
        pytest.raises(Exception, match="another full backfill is under way"),
    ):
        applied(coffee, SCOPE)


def test_the_process_that_applies_it_is_not_ended_by_a_second_one(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    plan = plan_backfill(coffee.modes(), SCOPE)
    with (
        coffee.postgres.connect("other", autocommit=True) as connection,
        session_lock(connection, f"coffee:backfill:{plan.id}"),
        pytest.raises(RunRefused, match="applied by another process"),
    ):
        apply_plan(coffee.modes(), plan.id)
    assert coffee.value("SELECT status FROM backfill_runs") == "running"
    assert coffee.value("SELECT alerts_muted_until FROM intake_control") is not None
    coffee.execute("UPDATE backfill_runs SET mode = 'incremental'")
    applied(coffee, SCOPE)
    assert coffee.value("SELECT alerts_muted_until FROM intake_control") is not None, "another one is under way"
