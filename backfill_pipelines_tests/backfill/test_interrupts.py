"""Ctrl-C: a gated run ends there, is not tried again, and the command begins no other range."""

import os
import signal
from collections.abc import Mapping, Sequence

import dagster as dg

from backfill_pipelines.backfill.outcome import StagedPartition
from backfill_pipelines.runner import run_asset
from backfill_pipelines_tests.backfill.toy import LedgerTarget, days, materialized, toy_asset


class Stopped(LedgerTarget):
    """The operator presses Ctrl-C while the second range is computed."""

    def stage(self, partitions: Sequence[str]) -> Mapping[str, StagedPartition]:
        staged = super().stage(partitions)
        if len(self.computed) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return staged


def test_an_interrupted_range_is_the_last_and_is_not_tried_again(instance: dg.DagsterInstance) -> None:
    target = Stopped()
    asset = toy_asset("lines", target.open)
    chunks = list(run_asset(asset, days(1, 6), instance=instance, resources={}, longest=2))
    assert [chunk.first for chunk in chunks] == ["2024-01-01", "2024-01-03"]
    assert chunks[0].failure == ""
    assert chunks[1].failure.startswith("INTERRUPTED by the operator: toy/lines; published partitions stay as they are")
    assert len(target.computed) == 2
    assert materialized(instance, asset) == days(1, 2)
    again = list(run_asset(asset, days(1, 6), instance=instance, resources={}, longest=2))
    assert [chunk.failure for chunk in again] == ["", "", ""]
    assert set(materialized(instance, asset)) == set(days(1, 6))
