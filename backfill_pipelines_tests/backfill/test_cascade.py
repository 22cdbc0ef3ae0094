"""The live cascade: a published date sets its downstream going, unless a backfill published it or it is red."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.backfill.run_mode import SKIP_DOWNSTREAM_TAG
from backfill_pipelines_tests.backfill.toy import POINTS, LedgerTarget, days, run_range, toy_asset

#: The toy partitions end on 2024-02-29; the newest four days cascade.
NEWEST = ["2024-02-27", "2024-02-28", "2024-02-29"]
NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)


class Live:
    """toy/lines <- toy/boxes with the cascade, and the ticks of the automation sensor."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.target = LedgerTarget()
        self.instance, self.cursor = instance, None
        self.lines = toy_asset("lines", self.target.open)
        self.boxes = toy_asset("boxes", LedgerTarget().open, self.lines, per_run=101, cascades=True)
        # An instance without any event has no point in time to tell new from old by.
        self.publish("2024-01-01", "2024-01-02", backfill_mode=True)
        self.requested()

    def requested(self) -> list[str]:
        """Partitions of boxes that a tick asks for."""
        result = dg.evaluate_automation_conditions(
            dg.Definitions([self.lines, self.boxes]),
            self.instance,
            asset_selection=dg.AssetSelection.assets(self.boxes.key),
            cursor=self.cursor,
            evaluation_time=NOW,
        )
        self.cursor = result.cursor
        return sorted(result.get_requested_partitions(self.boxes.key))

    def publish(self, first: str, last: str, **config: Any) -> None:
        run_range(self.instance, self.lines, first, last, **config)


@pytest.fixture
def live(instance: dg.DagsterInstance) -> Live:
    return Live(instance)


def test_a_published_date_sets_its_downstream_going(live: Live) -> None:
    live.publish(NEWEST[0], NEWEST[-1])
    assert live.requested() == NEWEST
    assert live.requested() == [], "once is enough"


def test_a_date_that_a_backfill_published_does_not(live: Live) -> None:
    """Phase 4 over half of a season would be built on the holes of the other half."""
    live.publish(NEWEST[0], NEWEST[-1], backfill_mode=True)
    assert live.requested() == []


def test_a_backfill_may_be_told_to_cascade(live: Live) -> None:
    live.publish(NEWEST[0], NEWEST[-1], backfill_mode=True, skip_downstream=False)
    assert live.requested() == NEWEST


def test_a_red_date_does_not_and_its_neighbours_do(live: Live) -> None:
    live.target.red = {POINTS.name: {NEWEST[1]}}
    live.publish(NEWEST[0], NEWEST[-1])
    assert live.requested() == [NEWEST[0], NEWEST[2]]


def test_an_old_correction_is_left_to_a_planned_repair(live: Live) -> None:
    live.publish(*days(1, 2), force=True)
    assert live.requested() == []


def test_the_run_says_by_its_tag_that_downstream_must_not_go_on(live: Live) -> None:
    live.publish(NEWEST[0], NEWEST[0], backfill_mode=True)
    live.publish(NEWEST[1], NEWEST[1])
    tags = [run.tags.get(SKIP_DOWNSTREAM_TAG) for run in live.instance.get_runs()]
    assert tags == ["false", "true", "true"]
