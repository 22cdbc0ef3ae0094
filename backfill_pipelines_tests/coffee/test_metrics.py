"""Figures are counted from rows; what cannot be measured is unknown, and no number is made up for it."""

import math
from datetime import timedelta
from pathlib import Path

import pytest

from backfill_pipelines.coffee.backup_manifest import BackupFolder
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.health import Health, read_health
from backfill_pipelines.coffee.metrics import METRICS, Sample, prometheus_text, read_metrics
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.databases import insert
from backfill_pipelines_tests.coffee.observed import at, body, new_run, product, publish_all
from backfill_pipelines_tests.coffee.operated import DAY, STARTED, add_artifact, add_backfill, add_run

NOW = STARTED + timedelta(days=6)


def test_the_score_weighs_coverage_runs_and_validity() -> None:
    assert Health({"coverage": 100.0, "run success": 100.0, "valid": 100.0}, {}).score == 100
    assert Health({"coverage": 50.0, "run success": 90.0, "valid": 80.0}, {}).score == pytest.approx(100 - 25 - 3 - 4)
    assert Health({"coverage": 0.0, "run success": 0.0, "valid": 0.0}, {}).score == 0


@pytest.mark.usefixtures("source")
def test_an_input_without_rows_makes_the_score_unknown(postgres: Postgres) -> None:
    found = read_health(postgres, NOW)
    assert (found.score, found.state) == (None, "unknown")
    assert found.inputs == {"coverage": 0.0, "run success": None, "valid": None}
    assert found.reasons["valid"] == "no rows of the last 35 days"


def test_a_query_that_fails_makes_the_score_unknown(empty_postgres: Postgres) -> None:
    found = read_health(empty_postgres, NOW)
    assert (found.score, found.state) == (None, "unknown")
    assert "could not be asked" in found.reasons["valid"]
    assert "unknown" in found.text


def test_the_score_is_that_of_the_rows(postgres: Postgres, source: Source) -> None:
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE roasters SET active_from = '2025-09-20', active_to = '2025-09-29'")
    add_artifact(postgres, source, "valid")
    add_artifact(postgres, source, "invalid", 1)
    add_artifact(postgres, source, "pending", 2)
    for status in ("ok", "ok", "partial", "fail", None):
        add_run(postgres, source, status)
    add_run(postgres, source, "fail", partition_date=DAY - timedelta(days=40))
    found = read_health(postgres, NOW)
    assert found.inputs["run success"] == 50
    assert found.inputs["valid"] == 50
    assert found.score is not None


def test_every_metric_is_counted_from_rows(postgres: Postgres, source: Source, tmp_path: Path) -> None:
    with postgres.connect("test") as connection:
        run = new_run(connection)
    publish_all(postgres, body(source, at(21), [product("1", {"11": "100", "12": None})]), run=run)
    publish_all(postgres, body(source, at(28), [product("1", {"11": "110", "12": "5"})]), run=run)
    stats = '{"fetch_latency_seconds": {"count": 3, "sum": 1.5, "max": 1}, "fetch_errors_total": {"503": 2},'
    add_run(postgres, source, "ok", stats_json=f'{stats} "rate_limit_errors_total": 1}}')
    backfill = add_backfill(postgres, "failed")
    with postgres.connect("test") as connection:
        values = {"backfill_run_id": backfill, "roaster_id": source.roaster_id, "day": DAY, "state": "failed"}
        insert(connection, "backfill_partitions", **values)
        times = "started_at = '2025-09-28', finished_at = '2025-09-28 00:01'"
        execute(connection, f"UPDATE backfill_runs SET {times} WHERE id = %s", (backfill,))
        insert(connection, "quarantine", roaster_id=source.roaster_id, day=DAY, reason="Q_SHAPE", detail="{}")
    backups = Backups(postgres, BackupFolder(tmp_path), lambda: NOW - timedelta(hours=1))
    backups.make()
    samples, _ = read_metrics(postgres, NOW, backups)
    text = prometheus_text(samples)
    for line in (
        'coffee_backfill_partitions_total{state="failed"} 1',
        'coffee_backfill_rows_total{op="insert",table="prices"} 3',
        'coffee_backfill_duration_seconds_sum{mode="incremental"} 60',
        'coffee_backfill_duration_seconds_count{mode="incremental"} 1',
        'price_changes_total{currency="INR",roaster="blue-tokai"} 1',
        "fetch_latency_seconds_sum 1.5",
        "fetch_latency_seconds_count 3",
        'fetch_errors_total{status="503"} 2',
        "rate_limit_errors_total 1",
        'quarantine_open{reason="Q_SHAPE"} 1',
        'backup_age_seconds{verified="false"} 3600',
    ):
        assert line in text.splitlines(), (line, text)
    assert 'artifacts_total{platform="shopify",source="https://bluetokaicoffee.com"' in text
    assert 'partition_state{state="missing"}' in text
    assert {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")} <= set(METRICS)


def test_an_unknown_score_is_nan_and_a_label_is_escaped() -> None:
    text = prometheus_text(
        [Sample("pipeline_health_score", {}, math.nan), Sample("quarantine_open", {"reason": 'a"b\\c\nd'}, 2.5)]
    )
    assert "pipeline_health_score NaN" in text
    assert r'quarantine_open{reason="a\"b\\c\nd"} 2.5' in text
    assert text.endswith("\n")
