"""Two toy assets and the gap sensor that keeps them whole, on an instance."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dagster as dg

from backfill_pipelines.backfill.admission import Upstream
from backfill_pipelines.backfill.gap_sensor import GapAsset, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines_tests.backfill.toy import DAYS, LedgerTarget, days, run_range, toy_asset

LAST = "2024-01-08"


@dataclass
class Toy:
    """Two assets, a sensor that keeps them whole up to ``LAST``, and a clock that a test can set."""

    instance: dg.DagsterInstance
    policy: GapPolicy = field(default_factory=GapPolicy)
    later: timedelta = timedelta(0)
    stopped_at: datetime | None = None

    def __post_init__(self) -> None:
        self.targets = LedgerTarget(), LedgerTarget()
        self.lines = toy_asset("lines", self.targets[0].open)
        self.boxes = toy_asset("boxes", self.targets[1].open, self.lines, per_run=101)
        self.sensor = build_gap_sensor(
            name="toy_gap_sensor",
            description="Fills the holes of the toy assets.",
            assets=[GapAsset(self.lines.key, DAYS), GapAsset(self.boxes.key, DAYS, [Upstream(self.lines.key)])],
            expected=lambda _: days(1, 8),
            policy=self.policy,
            clock=self.now,
        )

    def stop_the_clock(self) -> None:
        """Time stands still from now on: two ticks do not lie on both sides of midnight."""
        self.stopped_at = datetime.now(UTC)

    def now(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.later

    def tick(self) -> list[dg.RunRequest] | str:
        """The runs that a tick asks for, or why it asks for none."""
        found = self.sensor(dg.build_sensor_context(self.instance))
        if isinstance(found, dg.SkipReason):
            return str(found.skip_message)
        assert isinstance(found, dg.SensorResult)
        return list(found.run_requests or [])

    def requests(self) -> list[dg.RunRequest]:
        """The runs that a tick asks for, which must be some."""
        found = self.tick()
        assert not isinstance(found, str), found
        return found

    def ranges(self) -> list[tuple[str, str, str]]:
        """Asset, first and last partition of what a tick asks for."""
        return [wanted(request) for request in self.requests()]

    def run(self, first: str = "2024-01-01", last: str = LAST) -> None:
        """Both assets over a range."""
        run_range(self.instance, self.lines, first, last)
        run_range(self.instance, self.boxes, first, last)


def wanted(request: dg.RunRequest) -> tuple[str, str, str]:
    assert request.asset_selection is not None
    (key,) = request.asset_selection
    return (
        key.path[-1],
        request.tags["dagster/asset_partition_range_start"],
        request.tags["dagster/asset_partition_range_end"],
    )


def asked_before(toy: Toy, request: dg.RunRequest, **attributes: object) -> dg.DagsterRun:
    """A run as the sensor daemon creates it from a request."""
    known = {"status": dg.DagsterRunStatus.SUCCESS, "asset_selection": frozenset(request.asset_selection or [])}
    run = dg.DagsterRun(job_name="__ASSET_JOB", tags=dict(request.tags), **{**known, **attributes})  # type: ignore[arg-type]
    toy.instance.add_run(run)
    return run
