"""What the warehouse knows about earlier dates, and a real asset that is refused, marked or let through by it."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from backfill_pipelines.backfill.admission import LAST_PARTITION
from backfill_pipelines.backfill.gates import HISTORY_GATE, READ_BACK_GATE
from backfill_pipelines.backfill.run_mode import RunMode
from backfill_pipelines.backfill.verdicts import latest_verdict
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.catalog import BY_TABLE
from backfill_pipelines.nba.history import LOOKBACKS, judge, read_known
from backfill_pipelines.nba.phase_gates.names import GATE_1
from backfill_pipelines.nba.tables_analytics import PLAYER_SUMMARY
from backfill_pipelines.nba.tables_precompute import PLAYER_ZONES
from backfill_pipelines.nba.tables_raw import PLAYER_LINES, SCHEDULE
from backfill_pipelines.nba.tables_reference import STALE_PARTITIONS
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines_tests.nba.gap_analysis.world import World, bare, days_between

#: 3 and 5 January have a game, the 4th has none.
OPENING, MONDAY, WEDNESDAY = date(2021, 10, 19), date(2022, 1, 3), date(2022, 1, 5)
GAMES = ("20211019_BOS_NYK", "20220103_BOS_NYK", "20220105_BOS_NYK")
ENTRY = BY_TABLE[PLAYER_ZONES.full_name]
KEY = dg.AssetKey(PLAYER_ZONES.asset_key)
ASSET = next(asset for asset in build_assets() if asset.key == KEY)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three games; everything before Wednesday is published and green."""
    made = World(tmp_path / "nba.duckdb")
    made.create()
    made.schedule(*GAMES)
    made.ran("NbacScheduleProcessor", *days_between(OPENING, WEDNESDAY), hours=-48, phase="phase_2_raw")
    made.fill([PLAYER_LINES, PLAYER_SUMMARY], *GAMES[:2])
    for processor in ("PlayerLinesProcessor", "PlayerGameSummaryProcessor"):
        made.ran(processor, OPENING, MONDAY, hours=1)
    return made


def run(world: World, instance: dg.DagsterInstance, **config: object) -> dg.ExecuteInProcessResult:
    """The shot zones of Wednesday, whose schedule is green, by the real asset."""
    green = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(SCHEDULE.asset_key), check_name=READ_BACK_GATE, passed=True, partition=str(WEDNESDAY)
    )
    instance.report_runless_asset_event(green)
    notifier = Notifier(file=str(messages_of(world)))
    return dg.materialize(
        [ASSET],
        instance=instance,
        resources={"warehouse": world.warehouse, "notifier": notifier},
        partition_key=str(WEDNESDAY),
        run_config={"ops": {ASSET.op.name: {"config": config}}},
        raise_on_error=False,
    )


def messages_of(world: World) -> Path:
    return Path(world.warehouse.path).with_name("notifications.jsonl")


def failure(result: dg.ExecuteInProcessResult) -> str:
    found = result.failure_data_for_node(ASSET.op.name)
    assert found is not None
    assert found.user_failure_data is not None
    return str(found.user_failure_data.description)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as memory:
        yield memory


def test_the_expected_dates_of_every_upstream_are_read_with_what_became_of_them(world: World) -> None:
    known = read_known(world.warehouse, "r", ENTRY, [WEDNESDAY])
    assert {upstream.table for upstream in known.read} == {PLAYER_SUMMARY.full_name, PLAYER_LINES.full_name}
    for upstream in known.read:
        assert {one.day: one.is_green for one in upstream.dates} == {OPENING: True, MONDAY: True, WEDNESDAY: False}
    assert known.has_games[WEDNESDAY]
    assert not known.has_games[date(2022, 1, 4)]
    assert not known.has_games[OPENING], "a bootstrap day expects nothing of phase 4"


@pytest.mark.parametrize("table", LOOKBACKS)
def test_each_phase_4_table_looks_back_at_the_upstream_of_the_specification(world: World, table: str) -> None:
    known = read_known(world.warehouse, "r", BY_TABLE[table], [WEDNESDAY])
    assert known.lookback is not None
    assert (known.lookback.table, known.lookback_days) == LOOKBACKS[table]
    assert [one.day for one in known.lookback.dates] == [OPENING, MONDAY, WEDNESDAY]


def test_a_date_of_an_open_repair_is_known_as_such(world: World) -> None:
    row = bare(STALE_PARTITIONS, table_name=PLAYER_SUMMARY.full_name, partition_date=MONDAY)
    world.write(STALE_PARTITIONS, [row])
    known = read_known(world.warehouse, "r", ENTRY, [WEDNESDAY])
    for mode in (RunMode(), RunMode(backfill=True)):
        assert judge(known, [WEDNESDAY], mode).measured[str(WEDNESDAY)].violations == 1


def test_a_whole_history_is_let_through_and_nobody_is_told(world: World, instance: dg.DagsterInstance) -> None:
    """What its own gates then say of the few bare rows here is not asked."""
    run(world, instance)
    assert latest_verdict(instance, dg.AssetCheckKey(KEY, HISTORY_GATE), str(WEDNESDAY)) is True
    assert not messages_of(world).exists()


def test_a_failed_yesterday_refuses_the_date_names_the_repair_and_tells_somebody_once(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.ran("PlayerGameSummaryProcessor", MONDAY, hours=2, error="usage_adds_up: 2 expected vs 1")
    text = failure(run(world, instance))
    assert (
        "Upstream processor PlayerGameSummaryProcessor failed for 2022-01-03. Error: usage_adds_up: 2 expected vs 1. "
        "Fix Phase 3 for 2022-01-03 first. "
        "Repair: backfill run nba_analytics/player_game_summary --date 2022-01-03"
    ) in text
    (message,) = [json.loads(line) for line in messages_of(world).read_text("utf-8").splitlines()]
    assert message["title"] == "nba_precompute.player_shot_zone_analysis: defensive checks block 1 dates"


def test_a_backfill_is_refused_by_any_hole_of_the_season_and_tells_nobody(
    world: World, instance: dg.DagsterInstance
) -> None:
    world.ran("PlayerGameSummaryProcessor", OPENING, hours=2, error="usage_adds_up: 2 expected vs 1")
    gate = dg.AssetCheckEvaluation(
        asset_key=GATE_1.key,
        check_name=GATE_1.check_of("2021-22"),
        passed=True,
        metadata={LAST_PARTITION: str(WEDNESDAY)},
    )
    instance.report_runless_asset_event(gate)
    text = failure(run(world, instance, backfill_mode=True))
    assert "1 gaps detected in historical data (2021-10-19 to 2022-01-04) of nba_analytics.player_game_summary" in text
    assert not messages_of(world).exists()


def test_a_backfill_does_not_go_past_gate_1(world: World, instance: dg.DagsterInstance) -> None:
    text = failure(run(world, instance, backfill_mode=True))
    assert "nba_gates/phase_3_is_complete phase_3_is_complete_2021_22 has not been measured" in text
    assert "Repair: backfill gate nba 1" in text
