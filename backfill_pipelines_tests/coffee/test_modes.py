"""The four modes: what each does, what it leaves alone, and how it goes on after a stop."""

import time
import uuid
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE
from backfill_pipelines.backfill.verdicts import latest_verdicts
from backfill_pipelines.coffee import derive_target, incremental_mode, replay, time_limits
from backfill_pipelines.coffee.backfill_ledger import RunRefused, load_partitions, load_run
from backfill_pipelines.coffee.intake import intake, pause_intake
from backfill_pipelines.coffee.mode_jobs import build_mode_job
from backfill_pipelines.coffee.mode_report import ModeReport
from backfill_pipelines.coffee.mode_world import BackupMissing, no_backup_yet
from backfill_pipelines.coffee.modes import BackfillRed, apply_plan, plan_backfill
from backfill_pipelines.coffee.names import COFFEES, PRICES, PRODUCT_ARTIFACTS, VARIANTS
from backfill_pipelines.coffee.plans import PlanRefused
from backfill_pipelines.coffee.progress import TooManyFailed
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.coffee.time_limits import PartitionTimedOut
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.postgres import session_lock
from backfill_pipelines_tests.coffee.coffee_world import NOW, SUNDAY, CoffeeWorld, shopify

FIRST, LAST = date(2025, 9, 15), date(2025, 9, 28)
INCREMENTAL = Scope("incremental", FIRST, LAST)
WEEK = timedelta(days=7)


def applied(coffee: CoffeeWorld, scope: Scope = INCREMENTAL, **how: Any) -> ModeReport:
    world = coffee.modes(**how)
    return apply_plan(world, plan_backfill(world, scope).id)


def two_captures(coffee: CoffeeWorld) -> None:
    coffee.store(shopify("450.00"), SUNDAY - WEEK)
    coffee.store(shopify("460.00"), SUNDAY)


def ledger(coffee: CoffeeWorld, run_id: uuid.UUID) -> dict[str, str]:
    with coffee.postgres.connect("test") as connection:
        return {one.key: one.state for one in load_partitions(connection, run_id)}


def test_incremental_publishes_what_is_stored_and_accounts_for_every_day(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    report = applied(coffee)
    assert dict(report.states) == {"ok": 2}
    assert report.rows == 12
    entities = {"coffees_new": 3, "variants_new": 6}
    assert report.written == {"observations": 6, "variant_observations": 12, "prices": 12} | entities
    assert report.more == {"account": "14 of 14 accounted for, 0 unexplained", "overall_red": []}
    assert coffee.value("SELECT count(*) FROM prices") == 12
    assert coffee.told[-1][0] == "coffee backfill incremental: green"
    (run,) = coffee.rows("SELECT status, totals -> 'rows' AS rows, totals -> 'bytes' AS bytes FROM backfill_runs")
    assert (run["status"], run["rows"]) == ("ok", 12)
    assert run["bytes"] > 0


def test_captures_a_week_apart_share_the_range_runs(coffee: CoffeeWorld) -> None:
    """The empty days between are part of the range; without them each capture would be three runs of its own."""
    two_captures(coffee)
    applied(coffee)
    assert coffee.instance.get_runs_count() == 3


def test_the_plan_counts_the_rows_by_doing_it_and_taking_it_back(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    before = coffee.digests()
    plan = plan_backfill(coffee.modes(), INCREMENTAL, count_rows=True)
    assert plan.rows == {
        "observations": 6,
        "variant_observations": 12,
        "prices": 12,
        "coffees_new": 3,
        "variants_new": 6,
    }
    assert coffee.digests() == before
    apply_plan(coffee.modes(), plan.id)
    assert coffee.value("SELECT count(*) FROM prices") == 12


def test_a_second_incremental_backfill_has_nothing_to_do(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    applied(coffee)
    before = coffee.digest()
    report = applied(coffee)
    assert list(report.lines())[:2] == [
        "nothing to do; 0 were done before or are held by others",
        "observations looked at: 0; rows written: none",
    ]
    assert coffee.digest() == before


def test_what_is_taken_up_again_and_says_the_same_is_looked_at_and_not_written(coffee: CoffeeWorld) -> None:
    """A partial day is taken up by every backfill: that it wrote 12 rows again would be an alarm."""
    coffee.store(shopify("450.00"), SUNDAY - WEEK, "partial")
    first = applied(coffee)
    assert (first.rows, first.written["prices"]) == (6, 6)
    report = applied(coffee)
    assert (report.states["partial"], report.rows, report.written.total()) == (1, 6, 0)
    assert "observations looked at: 6; rows written: none" in list(report.lines())
    totals = coffee.rows("SELECT totals FROM backfill_runs ORDER BY created_at")
    assert [(row["totals"]["rows"], row["totals"]["written"].get("prices", 0)) for row in totals] == [(6, 6), (6, 0)]


def test_a_day_that_cannot_be_had_is_reported_and_fails_nothing(coffee: CoffeeWorld) -> None:
    coffee.store(shopify(), SUNDAY)
    report = applied(coffee)
    assert dict(report.states) == {"ok": 1, "unrecoverable": 1}
    assert coffee.value("SELECT count(*) FROM partition_evidence") == 1
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_a_red_day_fails_the_backfill_and_its_sibling_is_published(coffee: CoffeeWorld) -> None:
    coffee.store([], SUNDAY - WEEK)
    coffee.store(shopify(), SUNDAY)
    with pytest.raises(BackfillRed, match="1 partitions have failed") as failed:
        applied(coffee)
    assert "2025-09-21|blue-tokai: capture_is_not_empty" in str(failed.value)
    assert coffee.value("SELECT count(*) FROM prices") == 6
    assert coffee.value("SELECT status FROM backfill_runs") == "failed"
    assert coffee.told[-1][0] == "coffee backfill incremental: red"


def test_a_plan_is_refused_when_the_store_has_changed_since(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    world = coffee.modes()
    plan = plan_backfill(world, INCREMENTAL)
    coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=1))
    with pytest.raises(PlanRefused, match="was made from another state"):
        apply_plan(world, plan.id)
    assert coffee.value("SELECT count(*) FROM prices") == 0


def test_a_red_day_is_taken_up_again_when_its_cause_was_mended(coffee: CoffeeWorld) -> None:
    """The bodies are the same, the object was restored from a copy: nothing in the database could tell."""
    capture = coffee.store(shopify(), SUNDAY)
    place = coffee.folder / "artifacts" / capture.storage_uri
    whole = place.read_bytes()
    place.write_bytes(b"damaged")
    with pytest.raises(BackfillRed):
        applied(coffee)
    place.write_bytes(whole)
    assert dict(applied(coffee).states) == {}, "the same bodies would be as red again"
    assert dict(applied(coffee, replace(INCREMENTAL, retry_red=True)).states) == {"ok": 1}
    assert coffee.value("SELECT count(*) FROM prices") == 6


def test_the_job_plans_applies_and_ends_red_with_the_cause(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    days = {"first": "2025-09-15", "last": "2025-09-28"}

    def launched(**config: Any) -> Any:
        return build_mode_job("incremental").execute_in_process(
            run_config={"ops": {"incremental_backfill": {"config": {**days, **config}}}},
            instance=coffee.instance,
            resources={**coffee.resources, "notifier": Notifier(file=str(coffee.folder / "told.jsonl"))},
            raise_on_error=False,
        )

    assert launched(apply=False).success
    assert (coffee.value("SELECT status FROM backfill_runs"), coffee.value("SELECT count(*) FROM prices")) == (
        "planned",
        0,
    )
    assert launched().success
    assert coffee.value("SELECT count(*) FROM prices") == 12
    assert not launched(first="soon").success


def test_a_stopped_backfill_goes_on_with_what_is_left(coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between two ranges: the first is not done again, the second is."""
    coffee.store(shopify("440.00"), SUNDAY - 3 * WEEK)
    coffee.store(shopify("460.00"), SUNDAY)
    world = coffee.modes()
    plan = plan_backfill(world, replace(INCREMENTAL, first=date(2025, 9, 2)))
    calls = list[str]()
    real = incremental_mode.run_range

    def dies_in_the_second_range(asset: Any, partitions: Any, **how: Any) -> Any:
        calls.append(partitions[0])
        if len(set(calls)) > 1:
            raise KeyboardInterrupt
        return real(asset, partitions, **how)

    monkeypatch.setattr(incremental_mode, "run_range", dies_in_the_second_range)
    monkeypatch.setattr(incremental_mode, "cut", partial(incremental_mode.cut, most=1))
    with pytest.raises(KeyboardInterrupt):
        apply_plan(world, plan.id)
    assert coffee.value("SELECT status FROM backfill_runs") == "failed"
    coffee.execute("UPDATE backfill_partitions SET lease_until = now() - interval '1 s' WHERE state = 'running'")
    monkeypatch.setattr(incremental_mode, "run_range", real)
    report = apply_plan(world, plan.id)
    assert report.skipped == 1
    states = ledger(coffee, plan.id)
    assert states["2025-09-07|blue-tokai"] == states["2025-09-28|blue-tokai"] == "ok"
    assert coffee.value("SELECT count(*) FROM prices") == 12
    with pytest.raises(RunRefused, match="is over: ok"):
        apply_plan(world, plan.id)


def test_alerts_are_muted_while_it_runs_and_not_afterwards(
    coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_captures(coffee)
    seen, real = list[Any](), incremental_mode.run_range

    def looked(*args: Any, **how: Any) -> Any:
        with coffee.postgres.connect("test") as connection:
            seen.append(intake(connection).alerts_muted_until)
        return real(*args, **how)

    monkeypatch.setattr(incremental_mode, "run_range", looked)
    applied(coffee)
    assert all(NOW <= until <= NOW + timedelta(hours=24) for until in seen)
    with coffee.postgres.connect("test") as connection:
        assert intake(connection).alerts_muted_until is None


def test_a_partition_that_breaks_its_run_does_not_sink_its_siblings(
    coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Out of time, a body that the code cannot bear: the range is done again one by one."""
    two_captures(coffee)
    real = derive_target.derive_days

    def breaks(artifacts: Any, days: Any, *args: Any) -> Any:
        chosen = list(days)
        if any(day.key == "2025-09-21|blue-tokai" for day in chosen):
            raise PartitionTimedOut("2025-09-21|blue-tokai was not done after 3,600 s")
        return real(artifacts, chosen, *args)

    monkeypatch.setattr(derive_target, "derive_days", breaks)
    monkeypatch.setattr("backfill_pipelines.backfill.gated_assets._RETRIES", 0)
    with pytest.raises(BackfillRed, match="was not done after 3,600 s"):
        applied(coffee)
    assert coffee.value("SELECT count(*) FROM prices") == 6
    states = coffee.rows("SELECT day, state, error_code FROM backfill_partitions ORDER BY day")
    assert [(row["day"].day, row["state"], row["error_code"]) for row in states] == [
        (21, "failed", "run_failed"),
        (28, "ok", None),
    ]


def test_more_than_a_tenth_failed_ends_the_backfill(coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """A changed feed would fail every partition: after ten somebody should look."""
    coffee.execute("UPDATE roasters SET price_cadence = '0 4 * * *'")
    for days in range(12):
        coffee.store([], SUNDAY - timedelta(days=days))
    monkeypatch.setattr(incremental_mode, "cut", partial(incremental_mode.cut, most=11))
    with pytest.raises(TooManyFailed, match="9 of 11 partitions have failed"):
        applied(coffee)
    assert coffee.value("SELECT status FROM backfill_runs") == "aborted"
    assert "was ended" in coffee.told[-1][0]
    states = coffee.rows("SELECT state, count(*) AS n FROM backfill_partitions GROUP BY 1 ORDER BY 1")
    assert [(row["state"], row["n"]) for row in states] == [
        ("failed", 9),
        ("pending", 3),
        ("skipped", 1),
        ("unrecoverable", 1),
    ]


def test_a_backfill_that_has_begun_goes_on_after_its_dead_worker_was_reaped(coffee: CoffeeWorld) -> None:
    """What it has brought to light itself makes the days others than planned, which does not end it."""
    two_captures(coffee)
    plan = plan_backfill(coffee.modes(), INCREMENTAL)
    coffee.execute("UPDATE backfill_runs SET status = 'running'")
    coffee.execute("UPDATE backfill_partitions SET attempts = 1, error_code = 'crashed'")
    coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=1))
    assert dict(apply_plan(coffee.modes(), plan.id).states) == {"ok": 2}


def test_a_backfill_is_not_over_while_another_worker_holds_partitions_of_it(coffee: CoffeeWorld) -> None:
    two_captures(coffee)
    world = coffee.modes()
    plan = plan_backfill(world, INCREMENTAL)
    coffee.execute("UPDATE backfill_partitions SET state = 'running', lease_until = now() + interval '1 hour'")
    with (
        coffee.postgres.connect("other", autocommit=True) as connection,
        session_lock(connection, f"coffee:backfill:{plan.id}"),
    ):
        assert apply_plan(world, plan.id).skipped == 2
    assert coffee.value("SELECT status FROM backfill_runs") == "running"
    assert dict(apply_plan(world, plan.id).states) == {"ok": 2}, "its worker is dead, whatever the lease says"
    assert coffee.value("SELECT status FROM backfill_runs") == "ok"


class TestFull:
    """Everything again, beside the live tables, and swapped in as a whole."""

    SCOPE = replace(INCREMENTAL, mode="full")

    def test_it_refuses_without_a_fresh_verified_backup(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        with pytest.raises(BackupMissing, match="verified by a restore within the last 24 hours"):
            applied(coffee, self.SCOPE, require_backup=no_backup_yet)
        assert coffee.value("SELECT count(*) FROM prices") == 0
        assert coffee.value("SELECT status FROM backfill_runs") == "planned", "it has not begun, its plan must hold"

    def test_a_plan_that_was_stopped_before_it_did_anything_must_still_hold(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        plan = plan_backfill(coffee.modes(), self.SCOPE)
        coffee.execute("UPDATE backfill_runs SET status = 'failed'")
        coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=1))
        with pytest.raises(PlanRefused, match="was made from another state"):
            apply_plan(coffee.modes(), plan.id)

    def test_more_than_a_tenth_red_publishes_nothing(self, coffee: CoffeeWorld) -> None:
        for days in range(10):
            coffee.store([] if days < 2 else shopify(), SUNDAY - timedelta(days=days))
        with pytest.raises(TooManyFailed, match="2 of 10 partitions have failed"):
            applied(coffee, self.SCOPE)
        assert coffee.value("SELECT count(*) FROM prices") == 0
        assert coffee.value("SELECT status FROM backfill_runs") == "aborted"
        back = dg.AssetCheckKey(COFFEES, READ_BACK_GATE)
        assert list(latest_verdicts(coffee.instance, [back])[back].values()) == [False, False], "no more is said"
        assert coffee.value("SELECT count(*) FROM backfill_partitions WHERE error LIKE 'capture_is_not_empty%'") == 2
        with coffee.postgres.connect("test") as connection:
            assert not intake(connection).paused

    def test_its_gates_are_seen_in_dagster_partition_by_partition(self, coffee: CoffeeWorld) -> None:
        """As those of a replay: a person looks there for why a day is not published."""
        coffee.store([], SUNDAY - WEEK)
        coffee.store(shopify(), SUNDAY)
        with pytest.raises(BackfillRed, match="capture_is_not_empty"):
            applied(coffee, self.SCOPE)
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

    def test_it_gives_what_incremental_gives(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        report = applied(coffee, self.SCOPE)
        assert dict(report.states) == {"ok": 2}
        assert report.more["difference"] == {"observations": {"new": 6}, "prices": {"new": 12}}
        full = coffee.digest()
        for key in (COFFEES, VARIANTS, PRICES):
            assert coffee.materialized(key) == ["2025-09-21|blue-tokai", "2025-09-28|blue-tokai"]
        assert dict(applied(coffee).states) == {}, "nothing is left for incremental"
        assert coffee.digest() == full
        assert coffee.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shadow_%'") == 0

    def test_the_second_time_nothing_differs(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        applied(coffee, self.SCOPE)
        before = coffee.digests()
        report = applied(coffee, self.SCOPE)
        assert (report.more["difference"], report.rows, dict(report.written)) == ({}, 12, {})
        assert coffee.digests() == before

    def test_a_missing_body_removes_no_history_and_is_reported(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        applied(coffee)
        before = coffee.digest()
        lost = coffee.value("SELECT storage_uri FROM scrape_artifacts ORDER BY observed_at LIMIT 1")
        (coffee.folder / "artifacts" / lost).unlink()
        with pytest.raises(BackfillRed, match="stored_bodies_match_their_hash"):
            applied(coffee, self.SCOPE)
        assert coffee.digest() == before
        totals = coffee.value("SELECT totals FROM backfill_runs WHERE mode = 'full'")
        assert totals["difference"] == {"observations": {"unreproduced": 3}, "prices": {"unreproduced": 6}}
        assert len(totals["unreproduced"]["observations"]) == 3

    def test_the_intake_is_paused_meanwhile_and_resumed_also_after_a_failure(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        seen = list[str]()

        def dies(*_: Any) -> None:
            with coffee.postgres.connect("test") as connection:
                seen.append(intake(connection).text)
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("backfill_pipelines.coffee.full_mode.FullRun._swap", dies)
            with pytest.raises(KeyboardInterrupt):
                applied(coffee, self.SCOPE)
        assert "full backfill" in seen[0]
        with coffee.postgres.connect("test") as connection:
            assert not intake(connection).paused
        assert coffee.value("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'shadow_%'") == 0
        assert coffee.value("SELECT count(*) FROM prices") == 0

    @pytest.mark.parametrize("mode", ["full", "validation"])
    def test_a_body_that_hangs_ends_the_backfill_and_publishes_nothing(
        self, coffee: CoffeeWorld, monkeypatch: pytest.MonkeyPatch, mode: Any
    ) -> None:
        two_captures(coffee)
        monkeypatch.setattr(time_limits, "PARTITION_SECONDS", 0.05)
        monkeypatch.setattr(replay, "derive_capture", lambda *_: time.sleep(5))
        with pytest.raises(PartitionTimedOut, match=r"blue-tokai .*was not done after"):
            applied(coffee, replace(self.SCOPE, mode=mode))
        assert coffee.value("SELECT count(*) FROM prices") == 0
        assert coffee.value("SELECT status FROM backfill_runs") == "failed"

    def test_a_pause_that_was_left_behind_by_a_kill_ends_with_the_backfill(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        plan = plan_backfill(coffee.modes(), self.SCOPE)
        with coffee.postgres.connect("test") as connection:
            pause_intake(connection, reason=f"full backfill {plan.id}", by="run that was killed")
        apply_plan(coffee.modes(), plan.id)
        with coffee.postgres.connect("test") as connection:
            assert not intake(connection).paused

    def test_an_intake_that_was_paused_before_stays_so(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        with coffee.postgres.connect("test") as connection:
            pause_intake(connection, reason="the shop asked us to", by="ops")
        applied(coffee, self.SCOPE)
        with coffee.postgres.connect("test") as connection:
            assert intake(connection).text.endswith("by ops: the shop asked us to")

    def test_there_is_one_at_a_time(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        with (
            coffee.postgres.connect("other", autocommit=True) as connection,
            session_lock(connection, "coffee:full"),
            pytest.raises(Exception, match="another full backfill is under way"),
        ):
            applied(coffee, self.SCOPE)

    def test_the_process_that_applies_it_is_not_ended_by_a_second_one(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        plan = plan_backfill(coffee.modes(), self.SCOPE)
        with (
            coffee.postgres.connect("other", autocommit=True) as connection,
            session_lock(connection, f"coffee:backfill:{plan.id}"),
            pytest.raises(RunRefused, match="applied by another process"),
        ):
            apply_plan(coffee.modes(), plan.id)
        assert coffee.value("SELECT status FROM backfill_runs") == "running"
        assert coffee.value("SELECT alerts_muted_until FROM intake_control") is not None
        coffee.execute("UPDATE backfill_runs SET mode = 'incremental'")
        applied(coffee, self.SCOPE)
        assert coffee.value("SELECT alerts_muted_until FROM intake_control") is not None, "another one is under way"


class TestValidation:
    """Judged again, and nothing changed."""

    SCOPE = replace(INCREMENTAL, mode="validation")

    def test_it_changes_no_table_but_its_own(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        applied(coffee)
        before = coffee.digests()
        report = applied(coffee, self.SCOPE)
        assert dict(report.states) == {"ok": 2}
        assert report.more == {"account": "14 of 14 accounted for, 0 unexplained", "would_repair": []}
        assert coffee.digests() == before
        assert coffee.value("SELECT count(*) FROM intake_control WHERE alerts_muted_until IS NOT NULL") == 0
        assert coffee.value("SELECT count(*) FROM validation_results WHERE NOT passed") == 0
        assert coffee.value("SELECT count(DISTINCT rule) FROM validation_results") == 24

    def test_it_names_a_damaged_body_and_what_incremental_would_take_up(self, coffee: CoffeeWorld) -> None:
        two_captures(coffee)
        applied(coffee)
        late = coffee.store(shopify("470.00"), SUNDAY + timedelta(hours=2))
        coffee.objects.write(late.storage_uri, b"damaged")
        before = coffee.digests()
        with pytest.raises(BackfillRed, match="stored_bodies_match_their_hash"):
            applied(coffee, self.SCOPE)
        assert coffee.digests() == before
        run = coffee.value("SELECT totals FROM backfill_runs WHERE mode = 'validation'")
        assert run["would_repair"] == ["2025-09-28|blue-tokai"]
        assert coffee.value("SELECT count(*) FROM validation_results WHERE NOT passed") > 0


class TestSelective:
    """Outside of the filter, everything stays as it is."""

    def stale(self, coffee: CoffeeWorld) -> None:
        """Published by older rules, and with other values than the bodies say."""
        two_captures(coffee)
        applied(coffee)
        coffee.execute("UPDATE product_artifacts SET normalizer_version = '0.0.1', transform_version = '0.0.1'")
        coffee.execute("UPDATE scrape_artifacts SET normalizer_version = '0.0.1'")
        coffee.execute(
            'UPDATE product_artifacts SET normalized = normalized || \'{"region": "Coorg"}\', '
            "content_hash = repeat('0', 64), price_hash = repeat('0', 64)"
        )
        coffee.execute("UPDATE variant_observations SET in_stock = false")

    OTHERS = (
        "SELECT * FROM product_artifacts WHERE platform_product_id <> '1001' ORDER BY id",
        "SELECT * FROM coffees WHERE platform_product_id <> '1001' ORDER BY id",
        "SELECT * FROM variants WHERE coffee_id IN (SELECT id FROM coffees WHERE slug NOT LIKE '%-1') ORDER BY id",
        "SELECT * FROM prices ORDER BY id",
        "SELECT * FROM price_corrections ORDER BY id",
    )

    @pytest.mark.parametrize("manner", ["incremental", "full"])
    def test_one_product(self, coffee: CoffeeWorld, manner: Any) -> None:
        self.stale(coffee)
        scope = Scope("selective", FIRST, LAST, product_ids=("1001",), manner=manner)
        before = [coffee.rows(statement) for statement in self.OTHERS]
        applied(coffee, scope)
        assert [coffee.rows(statement) for statement in self.OTHERS] == before
        stock = (
            "SELECT DISTINCT in_stock FROM variant_observations o JOIN product_artifacts p "
            "ON p.id = o.product_artifact_id WHERE platform_product_id = '1001'"
        )
        assert coffee.value(stock) is True

    @pytest.mark.parametrize("manner", ["incremental", "full"])
    def test_one_source_and_the_other_is_taken_up_by_the_next_backfill(self, coffee: CoffeeWorld, manner: Any) -> None:
        other = replace(coffee.source, id=uuid.uuid4(), base_url="https://other.example")
        coffee.execute(
            "INSERT INTO product_sources (id, roaster_id, base_url, platform, currency) "
            f"VALUES ('{other.id}', '{other.roaster_id}', '{other.base_url}', 'shopify', 'INR')"
        )
        two_captures(coffee)
        replace(coffee, source=other).store(shopify("470.00"), SUNDAY)
        of_other = f"SELECT count(*) FROM coffees WHERE source_id = '{other.id}'"
        applied(coffee, Scope("selective", FIRST, LAST, sources=(coffee.source.base_url,), manner=manner))
        assert (coffee.value("SELECT count(*) FROM coffees"), coffee.value(of_other)) == (3, 0)
        applied(coffee)
        assert coffee.value(of_other) == 3

    @pytest.mark.parametrize(
        ("kind", "stock", "region"), [("stock", True, "Coorg"), ("content", False, "Biligiri Ranga")]
    )
    def test_one_kind_of_data(self, coffee: CoffeeWorld, kind: Any, stock: bool, region: str) -> None:
        self.stale(coffee)
        prices = coffee.digests()["prices"]
        applied(coffee, Scope("selective", FIRST, LAST, data_types=(kind,)))
        assert coffee.value("SELECT DISTINCT in_stock FROM variants") is stock
        assert coffee.value("SELECT DISTINCT region FROM coffees") == region
        assert coffee.digests()["prices"] == prices
        assert len(plan_backfill(coffee.modes(), INCREMENTAL).partitions) == 2, "the rest is still stale"


def test_the_run_of_a_backfill_is_found_by_its_id(coffee: CoffeeWorld) -> None:
    world = coffee.modes()
    plan = plan_backfill(world, INCREMENTAL)
    with coffee.postgres.connect("test") as connection:
        assert load_run(connection, plan.id).fingerprint == plan.fingerprint
