"""The mode incremental, and selective in its manner: what is open, range by range, in the order of the plan.

Each range is searched, derived and published by range runs of the assets. A restart goes on from the ledger: partitions
that ended well from the same input are not taken up again.
"""

import time
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import dagster as dg

from backfill_pipelines.coffee.assets import build_coffee_assets
from backfill_pipelines.coffee.backfill_ledger import (
    LedgerPartition,
    LedgerRun,
    Settled,
    claim,
    load_partitions,
    settle,
)
from backfill_pipelines.coffee.mode_report import ModeReport, tell_progress
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.names import ROASTERS
from backfill_pipelines.coffee.pauses import PAUSED, assets_paused
from backfill_pipelines.coffee.progress import FAILED, OK, UNRECOVERABLE, Progress
from backfill_pipelines.coffee.range_runs import RangeRun, cut, run_range
from backfill_pipelines.coffee.recovery import RUNNING_ELSEWHERE
from backfill_pipelines.coffee.replay import load_days

#: The tag of range runs that a backfill launched: its id.
BACKFILL_TAG = "coffee/backfill_run"
#: Partitions of a range that is done again because the whole of it broke off.
FEW = 31
_SETTLED = ("ok", "partial", "unrecoverable")
_OUTCOME = {"ok": OK, "partial": OK, "skipped": OK, "unrecoverable": UNRECOVERABLE}
#: A day without a capture that lacks none: its tick is met, or will be judged, by a capture of another day.
NOTHING_OF_ITS_OWN = "no_capture_of_its_own"


@dataclass
class IncrementalRun:
    """One application of a plan."""

    world: ModeWorld
    run: LedgerRun
    #: Days known to be empty: bridges between the days of a range.
    empty: Collection[str] = ()
    report: ModeReport = field(default_factory=ModeReport)
    _sizes: dict[str, int] = field(default_factory=dict[str, int])
    _assets: list[dg.AssetsDefinition] = field(default_factory=list[dg.AssetsDefinition])

    def apply(self) -> ModeReport:
        """Do what is still to be done.

        Raises:
            TooManyFailed: the failure threshold was passed; what was published stays.
        """
        self._assets = build_coffee_assets()
        partitions = self._partitions()
        self.world.instance.add_dynamic_partitions(str(ROASTERS.name), sorted({one.slug for one in partitions}))
        todo = self._todo(partitions)
        self.report.skipped = len(partitions) - len(todo)
        ranges = list(cut([one.key for one in todo], self._sizes, self.empty))
        progress = Progress(len(todo), ranges=len(ranges))
        tell_progress(self.world, self.run.id, progress, self.report)
        for keys in ranges:
            if paused := assets_paused(self.world.instance):
                self.report.paused = paused
                break
            self._range(_of(keys, todo), keys, progress)
            progress.ranges_done += 1
            tell_progress(self.world, self.run.id, progress, self.report)
            progress.require_few_failed()
        return self.report

    def _partitions(self, only: Collection[tuple[uuid.UUID, date]] | None = None) -> list[LedgerPartition]:
        with self.world.postgres.connect(self._name) as connection:
            return load_partitions(connection, self.run.id, only)

    def _todo(self, partitions: Sequence[LedgerPartition]) -> list[LedgerPartition]:
        """What has not ended well from the input that is there now, and is held by nobody."""
        if not partitions:
            return []
        with self.world.postgres.connect(self._name) as connection:
            days = load_days(connection, [one.key for one in partitions], self.run.scope).by_key
        self._sizes = {key: day.inputs.bytes for key, day in days.items()}
        self.report.bytes = sum(self._sizes.values())
        return [
            one
            for one in partitions
            if not one.is_held and not (one.state in _SETTLED and one.input_digest == days[one.key].input_digest)
        ]

    def _range(self, wanted: Sequence[LedgerPartition], keys: Sequence[str], progress: Progress) -> None:
        """Search, derive and publish one range, and count how its partitions ended."""
        with self.world.postgres.connect(self._name) as connection:
            mine = claim(connection, self.run.id, [(one.roaster_id, one.day) for one in wanted])
        if not mine:
            return
        failure = self._chain(keys, mine)
        left = self._running(mine)
        if paused := assets_paused(self.world.instance):
            self._wait(left, paused)
        else:
            self._settle_left(left, keys, failure)
        for one in self._partitions(mine):
            if one.error_code == PAUSED:
                self.report.paused = str(one.error)
                self.report.states[PAUSED] += 1
                continue
            if one.error_code == RUNNING_ELSEWHERE:
                self.report.skipped += 1
                continue
            progress.add(_OUTCOME.get(one.state, FAILED), rows=int((one.verdict or {}).get("rows", 0)))
            self.report.add(one)

    def _settle_left(self, left: Sequence[LedgerPartition], keys: Sequence[str], failure: str) -> None:
        """Partitions that no run has settled: nothing of them to publish, or the run broke off.

        Then they are done again in smaller ranges, in the end one by one: a partition that cannot be done does not sink
        its siblings.
        """
        if not (failure and left and len(keys) > 1):
            self._close(left, failure)
            return
        again = cut([one.key for one in left], self._sizes, self.empty, most=FEW if len(keys) > FEW else 1)
        for part in again:
            mine = {(one.roaster_id, one.day) for one in _of(part, left)}
            ended = self._chain(part, mine)
            self._settle_left(self._running(mine), part, ended)

    def _chain(self, keys: Sequence[str], mine: Collection[tuple[uuid.UUID, date]]) -> str:
        """Search, derive and publish partitions; why the first of the runs failed that did."""
        search, *others = self._assets
        runs = [self._launch(search, keys)]
        wait = {one.key for one in self._partitions(mine) if one.error_code == PAUSED}
        for part in cut([key for key in keys if key not in wait], self._sizes) if wait else [keys]:
            runs += [self._launch(asset, part) for asset in others]
        return next((run.failure for run in runs if run.failure), "")

    def _running(self, mine: Collection[tuple[uuid.UUID, date]]) -> list[LedgerPartition]:
        """Claimed partitions that no run has settled: nothing of them to publish, or the run broke off."""
        return [one for one in self._partitions(mine) if one.state == "running"]

    def _launch(self, asset: dg.AssetsDefinition, keys: Sequence[str]) -> RangeRun:
        if paused := assets_paused(self.world.instance):
            return RangeRun("", paused)
        began = time.monotonic()
        ended = run_range(
            asset,
            keys,
            instance=self.world.instance,
            resources=self.world.resources,
            config={"backfill_run_id": str(self.run.id), "apply": True},
            tags={BACKFILL_TAG: str(self.run.id)},
        )
        self.report.add_seconds(asset.op.name, time.monotonic() - began)
        self.report.written.update(ended.written)
        return ended

    def _wait(self, partitions: Sequence[LedgerPartition], why: str) -> None:
        """Let partitions wait for the end of a pause."""
        waiting = [Settled(one.roaster_id, one.day, "pending", error_code=PAUSED, error=why) for one in partitions]
        with self.world.postgres.connect(self._name) as connection:
            settle(connection, self.run.id, waiting)

    def _close(self, partitions: Sequence[LedgerPartition], failure: str) -> None:
        """Settle partitions that no run has settled, unless one has by now."""
        left = self._running({(one.roaster_id, one.day) for one in partitions})
        ended = [
            Settled(one.roaster_id, one.day, "failed", error_code="run_failed", error=failure)
            if failure
            else Settled(one.roaster_id, one.day, "skipped", error_code=NOTHING_OF_ITS_OWN)
            for one in left
        ]
        with self.world.postgres.connect(self._name) as connection:
            settle(connection, self.run.id, ended)

    @property
    def _name(self) -> str:
        return f"coffee:{self.run.id}"


def _of(keys: Collection[str], partitions: Iterable[LedgerPartition]) -> list[LedgerPartition]:
    """Those of the partitions that are in a range."""
    wanted = set(keys)
    return [one for one in partitions if one.key in wanted]
