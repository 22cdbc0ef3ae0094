"""What Dagster loads: everything is there, described, owned, gated, and loads without a network or an account."""

import subprocess
import sys
from datetime import datetime
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from backfill_pipelines.definitions import build_defs
from backfill_pipelines.nba.catalog import ANALYTICS_PHASE, CATALOG, PRECOMPUTE_PHASE, RAW_PHASE
from backfill_pipelines.nba.phase_gates.names import GATE_0, GATE_1, GATE_2, GATE_3, GATES, GROUP, GateName
from backfill_pipelines.nba.seasons import SEASONS
from backfill_pipelines.settings import PROJECT_ROOT, Settings

EVERY = {spec.key: spec for asset in build_defs(Settings()).assets or () for spec in asset.specs}
#: Assets that are a table; the others report, or stand between the phases.
SPECS = {
    key: spec
    for key, spec in EVERY.items()
    if spec.group_name not in ("nba_operations", "receipts", "receipts_promotion", "coffee", GROUP)
}
EVERY_CHECK = [spec for asset in build_defs(Settings()).assets or () for spec in asset.check_specs]
CHECKS = [spec for spec in EVERY_CHECK if spec.asset_key in SPECS]


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"deployment": "dev"},
        {"deployment": "prod", "warehouse": "bigquery", "bigquery_project": "some-project", "feeds_url": "gs://b/p"},
    ],
    ids=["local", "dev", "prod"],
)
def test_the_definitions_of_every_deployment_load_and_open_nothing(overrides: dict[str, str]) -> None:
    dg.Definitions.validate_loadable(build_defs(Settings(**overrides)))


def test_no_table_of_the_catalog_is_forgotten() -> None:
    assert set(SPECS) == {dg.AssetKey(entry.contract.asset_key) for entry in CATALOG}


@pytest.mark.parametrize("spec", EVERY.values(), ids=[key.to_user_string() for key in EVERY])
def test_every_asset_says_what_it_is(spec: dg.AssetSpec) -> None:
    assert spec.description
    assert spec.owners
    assert spec.kinds


def test_the_gap_analysis_comes_after_every_table() -> None:
    deps = {dep.asset_key for dep in EVERY[dg.AssetKey(["nba", "gap_analysis"])].deps}
    assert deps == {dg.AssetKey(entry.contract.asset_key) for entry in CATALOG}


def keys_of(phase: str) -> set[dg.AssetKey]:
    return {dg.AssetKey(entry.contract.asset_key) for entry in CATALOG if entry.phase == phase}


@pytest.mark.parametrize(
    ("gate", "before", "after"),
    [(GATE_0, RAW_PHASE, ANALYTICS_PHASE), (GATE_1, ANALYTICS_PHASE, PRECOMPUTE_PHASE), (GATE_2, PRECOMPUTE_PHASE, "")],
    ids=["gate 0", "gate 1", "gate 2"],
)
def test_a_phase_gate_stands_between_every_table_of_its_phase_and_every_table_of_the_next(
    gate: GateName, before: str, after: str
) -> None:
    assert {dep.asset_key for dep in EVERY[gate.key].deps} == keys_of(before)
    behind = {key for key, spec in SPECS.items() if gate.key in {dep.asset_key for dep in spec.deps}}
    assert behind == keys_of(after)


def test_the_live_gate_comes_after_everything() -> None:
    assert {dep.asset_key for dep in EVERY[GATE_3.key].deps} == {*SPECS, GATE_2.key}


@pytest.mark.parametrize("gate", GATES, ids=[gate.name for gate in GATES])
def test_a_phase_gate_has_a_blocking_check_for_each_season_and_one_over_all(gate: GateName) -> None:
    checks = {spec.name: spec for spec in EVERY_CHECK if spec.asset_key == gate.key}
    assert set(checks) == {gate.name, *(gate.check_of(season.name) for season in SEASONS)}
    assert all(spec.blocking and spec.description for spec in checks.values())


@pytest.mark.parametrize("spec", SPECS.values(), ids=[key.to_user_string() for key in SPECS])
def test_every_table_says_which_columns_it_has(spec: dg.AssetSpec) -> None:
    assert spec.group_name == spec.key.path[0]
    schema = spec.metadata["dagster/column_schema"]
    assert all(column.description for column in schema.columns)


@pytest.mark.parametrize("key", list(SPECS), ids=[key.to_user_string() for key in SPECS])
def test_every_asset_has_a_blocking_gate_of_its_own_and_is_read_back(key: dg.AssetKey) -> None:
    names = {spec.name for spec in CHECKS if spec.asset_key == key and spec.blocking}
    assert "no_duplicate_after_publish" in names
    assert names - {"no_duplicate_after_publish", "upstream_is_complete"}


@pytest.mark.parametrize("spec", CHECKS, ids=[f"{spec.asset_key.path[-1]}-{spec.name}" for spec in CHECKS])
def test_every_gate_is_a_described_statement_with_a_verdict_for_each_partition(spec: dg.AssetCheckSpec) -> None:
    assert spec.description
    assert spec.description.endswith(".")
    assert spec.partitions_def is not None


def test_neighbours_in_the_graph_never_share_a_run_because_a_red_parent_would_skip_its_child() -> None:
    assets = {key: asset for asset in build_defs(Settings()).assets or () for key in asset.keys}
    for asset in assets.values():
        for parent in asset.dependency_keys - asset.keys if asset.partitions_def else ():
            assert asset.backfill_policy != assets[parent].backfill_policy


def test_sensors_are_stopped_by_default_but_the_one_that_only_tells() -> None:
    sensors = {sensor.name: sensor.default_status for sensor in build_defs(Settings()).sensors or ()}
    assert sensors.pop("backfill_progress_check") == dg.DefaultSensorStatus.RUNNING
    gap_sensors = {f"nba_phase_{number}_gap_sensor" for number in (2, 3, 4)}
    gap_sensors |= {f"{system}_gap_sensor" for system in ("receipts", "promotion", "coffee")}
    assert set(sensors) == {*gap_sensors, "nba_live_cascade", "coffee_alerts"}
    assert set(sensors.values()) == {dg.DefaultSensorStatus.STOPPED}


def test_everything_that_opens_the_warehouse_is_in_its_pool() -> None:
    """The embedded warehouse is a file that one process may open: a limit of the pool is a limit of its writers."""
    pools = {asset.key: asset.op.pool for asset in build_defs(Settings()).assets or () if len(asset.keys) == 1}
    nba = {key: pool for key, pool in pools.items() if key.path[0].startswith("nba")}
    assert set(nba) >= {*SPECS, *(gate.key for gate in GATES), dg.AssetKey(["nba", "gap_analysis"])}
    assert set(nba.values()) == {"nba_warehouse"}


@pytest.mark.parametrize(("at", "loaded"), [("2026-01-15T09:00", "2026-01-14"), ("2025-08-01T09:00", None)])
def test_the_daily_load_asks_for_yesterday_in_a_season_and_says_why_not_outside(at: str, loaded) -> None:
    definitions = build_defs(Settings())
    (schedule,) = [found for found in definitions.schedules or () if not found.name.startswith("coffee_")]
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    time = datetime.fromisoformat(at).replace(tzinfo=ZoneInfo("America/New_York"))
    repository = definitions.get_repository_def()
    context = dg.build_schedule_context(scheduled_execution_time=time, repository_def=repository)
    found = schedule.evaluate_tick(context)
    assert [request.partition_key for request in found.run_requests or ()] == ([loaded] if loaded else [])
    assert (found.skip_message == "2025-07-31 lies in no season") is (loaded is None)


def test_a_fresh_interpreter_without_any_setting_loads_the_code_location() -> None:
    code = "import backfill_pipelines.definitions as d; print(sum(len(asset.keys) for asset in d.defs.assets))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=PROJECT_ROOT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(len(EVERY)), done.stderr[-2000:]


COFFEE = {key: spec for key, spec in EVERY.items() if spec.group_name == "coffee"}


def test_the_coffee_recovery_is_there_with_its_columns_its_jobs_and_schedules_that_are_stopped() -> None:
    names = {key.path[-1] for key in COFFEE}
    tables = {"scrape_artifacts", "product_artifacts", "coffees", "variants", "prices"}
    assert names == {*tables, "coverage"}
    for spec in COFFEE.values():
        if spec.key.path[-1] in tables:
            assert all(column.description for column in spec.metadata["dagster/column_schema"].columns)
    definitions = build_defs(Settings())
    modes = {f"coffee_{mode}_backfill" for mode in ("incremental", "full", "selective", "validation")}
    assert modes <= {job.name for job in definitions.jobs or ()}
    schedules = {found.name: found for found in definitions.schedules or () if found.name.startswith("coffee_")}
    assert set(schedules) == {"coffee_prices_weekly", "coffee_full_monthly", "coffee_backup_nightly"}
    assert {found.default_status for found in schedules.values()} == {dg.DefaultScheduleStatus.STOPPED}


def test_a_run_on_a_production_database_publishes_nothing_unless_it_is_asked_to() -> None:
    prod = {"deployment": "prod", "warehouse": "bigquery", "bigquery_project": "p", "feeds_url": "gs://b/p"}
    for overrides, default in (({}, True), (prod, False)):
        assets = [
            a for a in build_defs(Settings(**overrides)).assets or () if a.keys & set(COFFEE) and a.partitions_def
        ]
        assert {a.op.config_schema.as_field().config_type.fields["apply"].default_value for a in assets} == {default}
