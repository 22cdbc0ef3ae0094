"""Definitions for whole backfills: a parent and a child over three weeks, in files that a test can look into.

``TOY_FOLDER`` names the folder: ``red_dates.txt`` lists the dates that fail a gate of the parent, ``<asset>.json``
holds what each asset has computed and published, and ``pause`` makes a run stand still.
"""

import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.admission import Admission, HistoryReport, Upstream
from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.backfill.gap_sensor import GapAsset, build_gap_sensor
from backfill_pipelines.backfill.gaps import GapPolicy
from backfill_pipelines.backfill.gates import Measurement
from backfill_pipelines_tests.backfill.toy import POINTS, LedgerTarget, toy_asset

enable_event_batches()

FOLDER = "TOY_FOLDER"
#: 2024-01-01 to 2024-01-21 without the Sundays and without the 11th.
GAME_DAYS = dg.DailyPartitionsDefinition(
    start_date="2024-01-01",
    end_date="2024-01-22",
    exclusions=["0 0 * * 0", datetime(2024, 1, 11, tzinfo=UTC)],
)


def read(folder: Path, asset: str) -> dict[str, Any]:
    """What an asset has ``published`` (partition -> content) and ``computed`` (a list for each run)."""
    file = folder / f"{asset}.json"
    return json.loads(file.read_text()) if file.exists() else {"published": {}, "computed": []}


def set_red(folder: Path, *dates: str) -> None:
    """From now on, these dates fail a gate of the parent."""
    (folder / "red_dates.txt").write_text("\n".join(dates))


def _pause(folder: Path) -> None:
    """While ``pause`` exists, a run stands still before it writes, and says which process it is."""
    while (folder / "pause").exists():
        (folder / "paused_process").write_text(str(os.getpid()))
        time.sleep(0.1)


def file_target(name: str) -> Callable[[dg.AssetExecutionContext, Admission], AbstractContextManager[LedgerTarget]]:
    """Opens a target whose published data outlives its process."""

    @contextmanager
    def opened(context: dg.AssetExecutionContext, admission: Admission) -> Iterator[LedgerTarget]:  # noqa: ARG001
        folder = Path(os.environ[FOLDER])
        found = read(folder, name)
        red = set((folder / "red_dates.txt").read_text().split()) if name == "lines" else set()
        target = LedgerTarget(red={POINTS.name: red}, **found)
        yield target
        _pause(folder)
        (folder / f"{name}.json").write_text(
            json.dumps({"published": target.published, "computed": target.computed}, indent=1)
        )

    return opened


def _chain(*, child_per_run: int) -> list[dg.AssetsDefinition]:
    # In a pool, of which a killed run must give back its place.
    common: dict[str, Any] = {"partitions_def": GAME_DAYS, "pool": "toy_store"}
    lines = toy_asset("lines", file_target("lines"), per_run=7, **common)
    boxes = toy_asset("boxes", file_target("boxes"), lines, per_run=child_per_run, **common)
    return [lines, boxes]


def _gap_sensor(assets: Sequence[dg.AssetsDefinition]) -> dg.SensorDefinition:
    lines, boxes = assets
    return build_gap_sensor(
        name="toy_gap_sensor",
        description="Fills the holes of the toy assets.",
        assets=[
            GapAsset(lines.key, GAME_DAYS),
            GapAsset(boxes.key, GAME_DAYS, [Upstream(lines.key)]),
        ],
        expected=lambda _: GAME_DAYS.get_partition_keys(),
        policy=GapPolicy(partitions_per_run=7),
        minimum_interval_seconds=5,
    )


def _two_days_before() -> dg.TimeWindowPartitionMapping:
    with warnings.catch_warnings():
        # The parameter is beta in Dagster 1.13; a lookback cannot do without it on its first days.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.TimeWindowPartitionMapping(start_offset=-2, end_offset=-1, allow_nonexistent_upstream_partitions=True)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(["toy", "rolling"], deps=[dg.AssetDep(["toy", "lines"], partition_mapping=_two_days_before())])
    ],
    partitions_def=GAME_DAYS,
    backfill_policy=dg.BackfillPolicy.multi_run(8),
)
def _rolling() -> dg.MaterializeResult[None]:
    """A table that reads the two days before."""
    return dg.MaterializeResult()


ASSETS = _chain(child_per_run=8)
#: As a project should have it.
defs = dg.Definitions(assets=ASSETS, sensors=[_gap_sensor(ASSETS)], executor=dg.in_process_executor)
#: As it should not: parent and child of equal backfill policy share their runs.
equal_policies = dg.Definitions(assets=_chain(child_per_run=7), executor=dg.in_process_executor)
#: A table that reads its own day and every day before it, and so its own previous partition.
history = dg.Definitions(
    assets=[
        ASSETS[0],
        toy_asset(
            "totals",
            file_target("totals"),
            ASSETS[0],
            partitions_def=GAME_DAYS,
            per_run=8,
            history=lambda _, partitions, __: HistoryReport({p: Measurement(1, 1, 0) for p in partitions}),
        ),
    ],
    executor=dg.in_process_executor,
)
#: A lookback instead of the same day.
lookback = dg.Definitions(assets=[ASSETS[0], _rolling], executor=dg.in_process_executor)
