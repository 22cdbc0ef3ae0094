"""Range runs of the recovery: how partitions are cut into them, and how one is run from a job or a command.

Each is a Dagster run of its own, in this process, so that the UI shows it with its partitions and gates.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any, cast

import dagster as dg
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from backfill_pipelines.backfill.busy import ASSET_TAG
from backfill_pipelines.backfill.failed_runs import step_failure
from backfill_pipelines.coffee.expected_set import days_between, parse_partition, partition_key
from backfill_pipelines.coffee.names import COFFEES
from backfill_pipelines.coffee.staging import MOST_OBSERVATIONS

#: Metadata of a run that publishes: the rows that it wrote.
WRITTEN = "coffee/written"
#: Partitions of one range run: locks of so many days, and verdicts on them, are one run's work.
MOST_PARTITIONS = 366
#: Bytes of stored bodies of one range run, so that it has at most ``MOST_OBSERVATIONS``: no feed that was met says a
#: variant in fewer bytes than this (a WooCommerce list of variations in 415, Shopify in 830).
LEAST_BYTES_OF_OBSERVATION = 250
MOST_BYTES = MOST_OBSERVATIONS * LEAST_BYTES_OF_OBSERVATION
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class RangeRun:
    """One range run as it ended; ``failure`` is empty when all of it was green."""

    run_id: str
    failure: str = ""
    #: Rows that the run wrote, by what they are; empty when it wrote none.
    written: Mapping[str, int] = field(default_factory=dict[str, int])


def chunks(partitions: Iterable[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """Partitions in chunks of one roaster each, of no more observations than one transaction may have.

    Args:
        partitions: In any order; days of a chunk need not be neighbours.
        sizes: Bytes of the stored bodies of each; how many observations are in them is not known before they are read.
    """
    parsed = sorted((roaster, day) for day, roaster in map(parse_partition, partitions))
    for roaster, group in groupby(parsed, key=lambda one: one[0]):
        current, held = list[str](), 0
        for key in (partition_key(day, roaster) for _, day in group):
            if current and held + sizes.get(key, 0) > MOST_BYTES:
                yield current
                current, held = [], 0
            current.append(key)
            held += sizes.get(key, 0)
        yield current


def cut(
    partitions: Iterable[str], sizes: Mapping[str, int], empty: Collection[str] = (), *, most: int = MOST_PARTITIONS
) -> Iterator[list[str]]:
    """Chunks as ranges of consecutive days, with the days between that are known to be empty.

    A shop is looked at once a week: without the empty days between, every partition would be a run of its own.
    """
    for chunk in chunks(partitions, sizes):
        current: list[str] = []
        for key in chunk:
            between = _between(current[-1], key) if current else []
            if current and len(current) + len(between) < most and all(one in empty for one in between):
                current += [*between, key]
                continue
            if current:
                yield current
            current = [key]
        yield current


def _between(first: str, last: str) -> list[str]:
    """The partitions between two of one roaster, without them."""
    (start, roaster), (end, _) = parse_partition(first), parse_partition(last)
    return [partition_key(day, roaster) for day in days_between(start + timedelta(days=1), end - timedelta(days=1))]


def run_range(
    asset: dg.AssetsDefinition,
    partitions: Sequence[str],
    *,
    instance: dg.DagsterInstance,
    resources: Mapping[str, Any],
    config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> RangeRun:
    """Run an asset over a range, from its first to its last partition."""
    result = dg.materialize(
        [asset],
        instance=instance,
        resources=dict(resources),
        tags={
            ASSET_PARTITION_RANGE_START_TAG: partitions[0],
            ASSET_PARTITION_RANGE_END_TAG: partitions[-1],
            ASSET_TAG: next(iter(asset.keys)).to_user_string(),
            **tags,
        },
        run_config={**_QUIET, "ops": {asset.op.name: {"config": dict(config)}}},
        raise_on_error=False,
    )
    written = _written(instance, result.run_id, partitions) if COFFEES in asset.keys else {}
    return RangeRun(result.run_id, "" if result.success else _failure(result), written)


def _written(instance: dg.DagsterInstance, run_id: str, partitions: Sequence[str]) -> dict[str, int]:
    """What the target says of a run that publishes; it stands with one of the run's materialisations."""
    wanted = dg.AssetRecordsFilter(asset_key=COFFEES, asset_partitions=list(partitions))
    found = Counter[str]()
    for record in instance.fetch_materializations(wanted, limit=len(partitions)).records:
        said = record.asset_materialization.metadata.get(WRITTEN) if record.asset_materialization else None
        if record.run_id == run_id and isinstance(said, dg.JsonMetadataValue):
            found.update(cast("Mapping[str, int]", said.value))
    return dict(found)


def _failure(result: dg.ExecuteInProcessResult) -> str:
    """Why a run failed, in its own words."""
    if (found := step_failure(result)) is None:
        return f"run {result.run_id} failed before its step began"
    said, data = found
    return said or (data.error_display_string.strip() if data.error else "the step failed")
