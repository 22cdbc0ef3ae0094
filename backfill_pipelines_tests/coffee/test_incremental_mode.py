"""The incremental mode: what it publishes, accounts for and says, and what one bad day does to the others."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from backfill_pipelines.coffee import derive_target, incremental_mode
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.mode_jobs import build_mode_job
from backfill_pipelines.coffee.modes import BackfillRed, apply_plan, plan_backfill
from backfill_pipelines.coffee.progress import TooManyFailed
from backfill_pipelines.coffee.time_limits import PartitionTimedOut
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines_tests.coffee.coffee_world import NOW, SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.mode_cases import INCREMENTAL, WEEK, applied, two_captures


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
