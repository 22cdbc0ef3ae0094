"""Admission: a partition whose upstream is red or missing is refused, its neighbours are not."""

from collections.abc import Sequence

import dagster as dg
import pytest
from dagster._core.storage.event_log.base import PartitionKeyFilter

from backfill_pipelines.backfill.admission import Upstream, admitted
from backfill_pipelines.backfill.gates import READ_BACK_GATE, UPSTREAM_GATE
from backfill_pipelines.backfill.verdicts import latest_verdict
from backfill_pipelines_tests.backfill.toy import (
    DAYS,
    POINTS,
    Killed,
    LedgerTarget,
    days,
    failure_text,
    materialized,
    run_range,
    toy_asset,
)

FIRST, LAST, RED = "2024-01-01", "2024-01-06", "2024-01-03"
GREEN = [day for day in days(1, 6) if day != RED]
ROOT_CAUSE = f"toy/lines {RED}: points_add_up: 3 expected vs 2, e.g. game {RED}/LAL"


class Chain:
    """toy/lines <- toy/boxes <- toy/summary, each over a store of its own."""

    def __init__(self) -> None:
        self.targets = [LedgerTarget(), LedgerTarget(), LedgerTarget()]
        self.lines = toy_asset("lines", self.targets[0].open, per_run=100)
        self.boxes = toy_asset("boxes", self.targets[1].open, self.lines, per_run=101)
        self.summary = toy_asset("summary", self.targets[2].open, self.boxes, per_run=102)

    def run(self, instance: dg.DagsterInstance, last: str = LAST) -> list[dg.ExecuteInProcessResult]:
        """The three assets one after the other, as a backfill or a person would launch them."""
        return [run_range(instance, asset, FIRST, last) for asset in (self.lines, self.boxes, self.summary)]


@pytest.fixture
def chain() -> Chain:
    return Chain()


def test_a_partition_of_a_red_upstream_is_not_computed_and_its_neighbours_are(
    any_instance: dg.DagsterInstance, chain: Chain
) -> None:
    """A blocking check stops only its own run: by hand, the child would be computed from refused data."""
    chain.targets[0].red = {POINTS.name: {RED}}
    chain.run(any_instance)
    for target, asset in zip(chain.targets[1:], (chain.boxes, chain.summary), strict=True):
        assert target.computed == [GREEN]
        assert list(target.published) == materialized(any_instance, asset) == GREEN
        assert latest_verdict(any_instance, dg.AssetCheckKey(asset.key, UPSTREAM_GATE), RED) is False
        assert latest_verdict(any_instance, dg.AssetCheckKey(asset.key, UPSTREAM_GATE), FIRST) is True


def test_the_root_cause_is_repeated_once_at_every_level(instance: dg.DagsterInstance, chain: Chain) -> None:
    """Three levels down, nested "upstream of upstream" texts would bury the one gate that has to be mended."""
    chain.targets[0].red = {POINTS.name: {RED}}
    results = chain.run(instance)
    for result, asset in zip(results[1:], (chain.boxes, chain.summary), strict=True):
        name = asset.key.to_user_string()
        assert failure_text(result, asset).splitlines() == [
            f"1 of 6 partitions of {name} failed; the others are published.",
            f"  {RED}: upstream_is_complete: 1 expected vs 0, e.g. {ROOT_CAUSE}",
            f"Repair: mend the cause, then: backfill run {name} --date {RED}",
        ]


def test_two_upstreams_of_one_cause_name_it_once(instance: dg.DagsterInstance, chain: Chain) -> None:
    """A summary of eight tables that all hang on one schedule would repeat its one red gate eight times."""
    chain.targets[0].red = {POINTS.name: {RED}}
    shots = toy_asset("shots", LedgerTarget().open, chain.lines, per_run=103)
    summary = toy_asset("summary", LedgerTarget().open, chain.boxes, shots, per_run=104)
    for asset in (chain.lines, chain.boxes, shots):
        run_range(instance, asset, FIRST, LAST)
    text = failure_text(run_range(instance, summary, FIRST, LAST), summary)
    assert f"{RED}: upstream_is_complete: 2 expected vs 0, e.g. {ROOT_CAUSE}\n" in text


def test_an_upstream_that_never_ran_is_named_with_the_command_that_runs_it(
    instance: dg.DagsterInstance, chain: Chain
) -> None:
    """ "Missing" alone would leave the reader to find out which table and which date to run first."""
    run_range(instance, chain.lines, FIRST, "2024-01-02")
    result = run_range(instance, chain.boxes, FIRST, RED)
    assert (
        f"Upstream toy/lines is not complete for {RED}: not published. Repair: backfill run toy/lines --date {RED}"
        in (failure_text(result, chain.boxes))
    )
    assert chain.targets[1].computed == [days(1, 2)]


def test_a_range_of_refused_partitions_touches_no_store(instance: dg.DagsterInstance, chain: Chain) -> None:
    """Nothing to compute must not become an empty statement over an open range."""
    result = run_range(instance, chain.boxes, FIRST, LAST)
    assert failure_text(result, chain.boxes).startswith("6 of 6 partitions of toy/boxes failed")
    assert (chain.targets[1].computed, chain.targets[1].written) == ([], [])
    assert len(chain.targets[1].history) == 1, "the refusal is still in the run history"


def test_an_upstream_whose_run_died_does_not_count_as_published(instance: dg.DagsterInstance, chain: Chain) -> None:
    """A worker killed between publishing and its verdicts leaves rows that nobody has judged."""
    chain.targets[0].crash_after, chain.targets[0].crash = "publish", Killed
    results = chain.run(instance)
    assert chain.targets[0].published
    assert chain.targets[1].computed == []
    assert f"Upstream toy/lines is not complete for {FIRST}: not published" in failure_text(results[1], chain.boxes)


def test_a_partition_published_before_is_refused_once_its_upstream_turns_red(
    instance: dg.DagsterInstance, chain: Chain
) -> None:
    """Fresh data that failed its gates must not be overlooked because yesterday's passed."""
    chain.run(instance)
    chain.targets[0].red = {POINTS.name: {RED}}
    results = chain.run(instance)
    assert ROOT_CAUSE in failure_text(results[2], chain.summary)
    assert chain.targets[2].published[RED] == f"{RED} v1", "what was published stays"
    assert latest_verdict(instance, dg.AssetCheckKey(chain.summary.key, READ_BACK_GATE), RED) is False


def test_the_chain_turns_green_from_the_top_once_the_cause_is_gone(
    any_instance: dg.DagsterInstance, chain: Chain
) -> None:
    """Repair is nothing but running again; only what was red is written."""
    chain.targets[0].red = {POINTS.name: {RED}}
    chain.run(any_instance)
    chain.targets[0].red = {}
    assert all(result.success for result in chain.run(any_instance))
    assert [target.written for target in chain.targets] == [[GREEN, [RED]]] * 3


def test_partitions_held_back_behind_a_red_one_are_refused_downstream(
    instance: dg.DagsterInstance, chain: Chain
) -> None:
    """on_error=stop would be no stop if the child went on with older data of the same dates."""
    chain.targets[0].red = {POINTS.name: {RED}}
    run_range(instance, chain.lines, FIRST, LAST, on_error="stop")
    result = run_range(instance, chain.boxes, FIRST, LAST)
    assert chain.targets[1].computed == [days(1, 2)]
    assert "toy/lines 2024-01-05: held back behind an earlier red partition" in failure_text(result, chain.boxes)


def before(partition: str) -> Sequence[str]:
    """The two days before: a lookback window."""
    keys = DAYS.get_partition_keys()
    return keys[max(0, keys.index(partition) - 2) : keys.index(partition)]


def test_one_red_day_refuses_every_day_whose_window_holds_it(instance: dg.DagsterInstance) -> None:
    """A rolling average over a missing day is wrong on each of the days that follow it."""
    lines, rolling = LedgerTarget(red={POINTS.name: {RED}}), LedgerTarget()
    parent = toy_asset("lines", lines.open)
    child = toy_asset("rolling", rolling.open, Upstream(parent.key, before), per_run=101)
    run_range(instance, parent, FIRST, LAST)
    result = run_range(instance, child, FIRST, LAST)
    assert rolling.computed == [["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-06"]]
    assert f"2024-01-05: upstream_is_complete: 2 expected vs 1, e.g. {ROOT_CAUSE}" in failure_text(result, child)


def test_an_optional_upstream_is_no_obstacle(instance: dg.DagsterInstance) -> None:
    """An injury report that a date has none of must not hold the date back for ever."""
    parent = toy_asset("reports", LedgerTarget(red={POINTS.name: {RED}}).open)
    child = toy_asset("boxes", LedgerTarget().open, Upstream(parent.key, required=False), per_run=101)
    run_range(instance, parent, FIRST, LAST)
    assert run_range(instance, child, FIRST, LAST).success
    assert child.asset_deps[child.key] == {parent.key}, "it still orders the work"


def test_the_cheap_question_gives_the_same_answer_as_admission(instance: dg.DagsterInstance, chain: Chain) -> None:
    """The gap sensor asks ``admitted``, the run asks ``admit``: apart, the sensor would launch refused runs."""
    chain.targets[0].red = {POINTS.name: {RED}}
    run_range(instance, chain.lines, FIRST, LAST)
    run_range(instance, chain.boxes, FIRST, "2024-01-08")
    key = dg.AssetCheckKey(chain.boxes.key, UPSTREAM_GATE)
    judged = {day: latest_verdict(instance, key, day) for day in days(1, 8)}
    ready = admitted(instance, [Upstream(chain.lines.key)], days(1, 8))
    assert ready == {day for day, passed in judged.items() if passed} == set(GREEN)


def test_a_verdict_reported_by_hand_refuses_with_its_own_words(instance: dg.DagsterInstance, chain: Chain) -> None:
    """An operator may condemn a date; a verdict without culprits must not break the runs of its neighbours."""
    run_range(instance, chain.lines, FIRST, LAST)
    for day, words in ((RED, "scores under review"), (LAST, None)):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=chain.lines.key,
                check_name=READ_BACK_GATE,
                passed=False,
                description=words,
                partition=day,
            )
        )
    text = failure_text(run_range(instance, chain.boxes, FIRST, LAST), chain.boxes)
    assert chain.targets[1].computed == [[day for day in days(1, 5) if day != RED]]
    assert f"e.g. toy/lines {RED}: scores under review" in text
    assert f"e.g. toy/lines {LAST}: reported as red by hand" in text


def test_the_culprits_of_a_refused_partition_are_capped_and_counted(instance: dg.DagsterInstance) -> None:
    """A window of a whole season would write a season of culprits into every verdict of every day."""
    everything = DAYS.get_partition_keys()
    parent = toy_asset("lines", LedgerTarget().open)
    child = toy_asset("season", LedgerTarget().open, Upstream(parent.key, lambda _: everything), per_run=101)
    run_range(instance, child, FIRST, FIRST)
    key = dg.AssetCheckKey(child.key, UPSTREAM_GATE)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [key], partition_filter=PartitionKeyFilter(key=FIRST)
    )[key]
    assert isinstance(record.evaluation, dg.AssetCheckEvaluation)
    shown = {name: value.value for name, value in record.evaluation.metadata.items()}
    assert shown["violations"] == len(everything)
    assert len(str(shown["culprits"]).splitlines()) == 20
    assert shown["sample_truncated"] is True
