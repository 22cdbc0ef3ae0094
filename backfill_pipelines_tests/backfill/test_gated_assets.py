"""The gated range run: many partitions in one run, each published, materialised and judged on its own."""

import dagster as dg
from dagster._core.storage.event_log.base import PartitionKeyFilter

from backfill_pipelines.backfill.gates import READ_BACK_GATE
from backfill_pipelines.backfill.verdicts import latest_verdict, latest_verdicts
from backfill_pipelines_tests.backfill.toy import (
    POINTS,
    SOURCE,
    STARTERS,
    LedgerTarget,
    check,
    days,
    failure_text,
    materialized,
    run_range,
    toy_asset,
)

FIRST, LAST = "2024-01-01", "2024-01-06"
ALL = days(1, 6)


def test_every_partition_of_a_green_range_has_its_own_materialisation_and_verdicts(
    any_instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """One event for the whole range would show a season as one blob in the UI, and no gate a date."""
    asset = toy_asset("lines", target.open)
    result = run_range(any_instance, asset, FIRST, LAST)
    assert result.success
    assert materialized(any_instance, asset) == ALL
    assert list(target.published) == ALL
    assert target.computed == [ALL], "the work is one set-based step over the range"
    for gate in (POINTS, STARTERS, SOURCE):
        assert latest_verdicts(any_instance, [check(asset, gate.name)]) == {
            check(asset, gate.name): dict.fromkeys(ALL, True)
        }


def test_each_materialisation_carries_the_metadata_of_its_own_partition(
    instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """An operator who opens a date must see that date's rows and digest, not those of the range."""
    asset = toy_asset("lines", target.open)
    run_range(instance, asset, FIRST, LAST)
    found = {r.partition_key: r.asset_materialization for r in instance.fetch_materializations(asset.key, 99).records}
    assert {p: m.metadata["backfill/digest"].value for p, m in found.items() if m} == {p: f"{p} v1" for p in ALL}
    newest = found[LAST]
    assert newest is not None
    assert newest.metadata["dagster/partition_row_count"].value == 3
    assert newest.metadata["backfill/gates"].value == "4 of 4 green"
    assert "backfill/preview" in newest.metadata, "the run's own metadata is on the newest partition only"
    assert "backfill/preview" not in found[FIRST].metadata  # type: ignore[union-attr]


def test_only_green_partitions_are_published_and_materialised(
    any_instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """Writing first and checking afterwards is how wrong numbers reach a dashboard with a red mark beside them."""
    asset = toy_asset("lines", target.open)
    target.red = {POINTS.name: {"2024-01-02"}, STARTERS.name: {"2024-01-05"}}
    result = run_range(any_instance, asset, FIRST, LAST)
    green = [day for day in ALL if day not in {"2024-01-02", "2024-01-05"}]
    assert not result.success
    assert list(target.published) == materialized(any_instance, asset) == green
    assert latest_verdict(any_instance, check(asset, POINTS.name), "2024-01-02") is False
    assert latest_verdict(any_instance, check(asset, POINTS.name), "2024-01-05") is True
    summary = latest_verdicts(any_instance, [check(asset, READ_BACK_GATE)])[check(asset, READ_BACK_GATE)]
    assert summary == {day: day in green for day in ALL}


def test_a_red_partition_keeps_its_published_data_and_its_staged_rows(
    any_instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """Readers keep the last good numbers, and whoever repairs the date can look at the rows that were refused."""
    asset = toy_asset("lines", target.open)
    run_range(any_instance, asset, FIRST, LAST)
    target.source = dict.fromkeys(ALL, "v2")
    target.red = {POINTS.name: {"2024-01-03"}}
    run_range(any_instance, asset, FIRST, LAST)
    assert target.published == {day: f"{day} {'v1' if day == '2024-01-03' else 'v2'}" for day in ALL}
    assert {day: staged.digest for day, staged in target.staged.items()} == {"2024-01-03": "2024-01-03 v2"}


def test_the_failure_names_partitions_gates_figures_culprits_and_the_repair(
    instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """At night the text of the failed run is all that the person on duty has."""
    asset = toy_asset("lines", target.open)
    target.red = {POINTS.name: {"2024-01-02", "2024-01-04"}, STARTERS.name: {"2024-01-04"}}
    both = "points_add_up: 3 expected vs 2, e.g. game 2024-01-04/LAL; "
    both += "five_starters_a_team: 3 expected vs 2, e.g. game 2024-01-04/LAL"
    assert failure_text(run_range(instance, asset, FIRST, LAST), asset).splitlines() == [
        "2 of 6 partitions of toy/lines failed; the others are published.",
        "  2024-01-02: points_add_up: 3 expected vs 2, e.g. game 2024-01-02/LAL",
        f"  2024-01-04: {both}",
        f"What to do about {POINTS.name}: {POINTS.repair}",
        f"What to do about {STARTERS.name}: {STARTERS.repair}",
        "Repair: mend the cause, then: backfill run toy/lines --date 2024-01-02 --date 2024-01-04",
    ]


def test_a_red_verdict_says_what_was_found_and_what_to_do(instance: dg.DagsterInstance, target: LedgerTarget) -> None:
    """A check that shows only a red cross sends its reader into the code."""
    asset = toy_asset("lines", target.open)
    target.red = {POINTS.name: {FIRST}}
    run_range(instance, asset, FIRST, FIRST)
    key = check(asset, POINTS.name)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [key], partition_filter=PartitionKeyFilter(key=FIRST)
    )[key]
    evaluation = record.evaluation
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    assert evaluation.blocking
    assert {name: value.value for name, value in evaluation.metadata.items()} == {
        "expected": 3,
        "actual": 2,
        "violations": 1,
        "culprits": f"game {FIRST}/LAL",
        "sample_truncated": False,
        "what_to_do": POINTS.repair,
    }


def test_stop_holds_back_everything_after_the_first_red_partition(
    any_instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """Where later dates build on earlier ones, publishing past a hole makes them wrong, not just incomplete."""
    asset = toy_asset("lines", target.open)
    target.red = {POINTS.name: {"2024-01-03"}}
    result = run_range(any_instance, asset, FIRST, LAST, on_error="stop")
    assert list(target.published) == materialized(any_instance, asset) == days(1, 2)
    assert "2024-01-04: no_duplicate_after_publish" in failure_text(result, asset)
    assert "held back behind an earlier red partition" in failure_text(result, asset)
    assert latest_verdict(any_instance, check(asset, READ_BACK_GATE), "2024-01-06") is False
    assert latest_verdict(any_instance, check(asset, POINTS.name), "2024-01-06") is True


def test_a_gate_without_a_measurement_is_an_error_and_not_a_pass(
    instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """A gate whose statement returned no row for a date has not looked at it."""
    asset = toy_asset("lines", target.open)
    target.unmeasured = {STARTERS.name: {"2024-01-04"}}
    result = run_range(instance, asset, FIRST, LAST)
    assert "GateNotMeasured" in failure_text(result, asset)
    assert "five_starters_a_team gave no measurement for ['2024-01-04']" in failure_text(result, asset)
    assert target.published == {}
    assert materialized(instance, asset) == []


def test_a_read_back_that_differs_publishes_nothing_and_turns_the_range_red(
    any_instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """What came back is not what was staged: another writer, or a store that lies. Nobody may read on."""
    asset = toy_asset("lines", target.open)
    run_range(any_instance, asset, FIRST, LAST)
    target.source, target.loses = dict.fromkeys(ALL, "v2"), {"2024-01-05"}
    result = run_range(any_instance, asset, FIRST, LAST)
    assert target.published == {day: f"{day} v1" for day in ALL}
    assert materialized(any_instance, asset) == ALL, "of the first run"
    summary = latest_verdicts(any_instance, [check(asset, READ_BACK_GATE)])[check(asset, READ_BACK_GATE)]
    assert summary == dict.fromkeys(ALL, False)
    assert "2024-01-01: no_duplicate_after_publish: 1 expected vs 0, e.g. toy/lines 2024-01-01: read back 2 rows" in (
        failure_text(result, asset)
    )


def test_a_red_gate_that_does_not_block_is_shown_and_published(
    instance: dg.DagsterInstance, target: LedgerTarget
) -> None:
    """A fallback source is worth a note, and no reason to hold a date back."""
    asset = toy_asset("lines", target.open)
    target.red = {SOURCE.name: {"2024-01-02"}}
    assert run_range(instance, asset, FIRST, LAST).success
    assert list(target.published) == ALL
    assert latest_verdict(instance, check(asset, SOURCE.name), "2024-01-02") is False
    assert latest_verdict(instance, check(asset, READ_BACK_GATE), "2024-01-02") is True
