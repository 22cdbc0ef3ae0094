"""The operations as Dagster jobs: safe by default, their report is in the run, a red one fails it."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from backfill_pipelines.coffee.backup_manifest import BackupFolder
from backfill_pipelines.coffee.backups import Backups
from backfill_pipelines.coffee.mode_world import BackupMissing
from backfill_pipelines.coffee.modes import apply_plan, plan_backfill
from backfill_pipelines.coffee.operation_jobs import (
    OPERATIONS,
    BackupSettings,
    build_operation_job,
    build_operation_jobs,
    op_name,
)
from backfill_pipelines.coffee.scope import Scope
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres
from backfill_pipelines_tests.coffee.coffee_world import SUNDAY, CoffeeWorld, shopify
from backfill_pipelines_tests.coffee.observed import one
from backfill_pipelines_tests.coffee.operated import add_run

SECTION_10 = {
    "coffee_pause_intake",
    "coffee_resume_intake",
    "coffee_reap_crashed",
    "coffee_supersede_failed",
    "coffee_report_orphans",
    "coffee_verify_restart",
    "coffee_rollback_run",
}


def run(postgres: Postgres, folder: Path, job: str, **config: Any) -> dg.ExecuteInProcessResult:
    resources = {
        "postgres": postgres,
        "artifacts": ObjectStore(url=str(folder / "artifacts"), is_own=True),
        "backups": BackupSettings(folder=str(folder / "backups")),
        "notifier": Notifier(file=str(folder / "notifications.jsonl")),
    }
    with dg.DagsterInstance.ephemeral() as instance:
        return build_operation_job(job).execute_in_process(
            run_config={"ops": {op_name(job): {"config": config}}} if config else {},
            resources=resources,
            instance=instance,
            raise_on_error=False,
        )


def test_every_operation_of_the_specification_is_a_job() -> None:
    names = {job.name for job in build_operation_jobs()}
    assert names >= SECTION_10
    assert names == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("job", ["coffee_pause_intake", "coffee_resume_intake", "coffee_reap_crashed", "coffee_backup"])
def test_a_job_changes_nothing_by_default(postgres: Postgres, tmp_path: Path, job: str) -> None:
    config = {"reason": "disk"} if "pause" in job else {}
    done = run(postgres, tmp_path, job, **config)
    assert done.success
    assert not one(postgres, "SELECT count(*) FROM intake_control")
    assert not list(tmp_path.rglob("*.dump"))


def test_a_pause_names_the_run_that_made_it(postgres: Postgres, tmp_path: Path) -> None:
    done = run(postgres, tmp_path, "coffee_pause_intake", reason="disk", apply=True)
    assert one(postgres, "SELECT paused_by FROM intake_control") == f"run {done.run_id}"


def test_the_counts_before_and_after_are_in_the_metadata(postgres: Postgres, source, tmp_path: Path) -> None:
    add_run(postgres, source, None, lease_until="2025-01-01")
    done = run(postgres, tmp_path, "coffee_reap_crashed", apply=True)
    (event,) = [e for e in done.all_events if e.event_type_value == "STEP_OUTPUT"]
    metadata = event.step_output_data.metadata
    assert "| leases: run out | 1 | 0 |" in str(metadata["coffee/counts"].value)
    assert metadata["coffee/applied"].value is True


def test_a_red_verification_fails_the_job_with_what_is_red(postgres: Postgres, source, tmp_path: Path) -> None:
    add_run(postgres, source, None, lease_until="2025-01-01")
    done = run(postgres, tmp_path, "coffee_verify_restart")
    assert not done.success
    (event,) = [e for e in done.all_events if e.is_step_failure]
    assert "RED   no lease has run out" in str(event.step_failure_data.user_failure_data)


def test_a_refused_operation_fails_the_job_with_its_repair(postgres: Postgres, tmp_path: Path) -> None:
    done = run(postgres, tmp_path, "coffee_rollback_run", run_id="7", apply=True)
    (event,) = [e for e in done.all_events if e.is_step_failure]
    assert "Repair: copy it from backfill coffee status" in str(event.step_failure_data.user_failure_data)


def test_a_backup_that_fails_is_told_to_somebody(empty_postgres: Postgres, tmp_path: Path) -> None:
    assert not run(empty_postgres, tmp_path, "coffee_backup", apply=True).success
    assert "the backup of the coffee database failed" in (tmp_path / "notifications.jsonl").read_text()


def test_a_full_backfill_begins_once_the_backup_job_has_verified_a_backup(coffee: CoffeeWorld) -> None:
    """The whole way: refused, backed up, drilled, then let through; and refused again when the dump is gone."""
    coffee.store(shopify(), SUNDAY)
    backups = Backups(coffee.postgres, BackupFolder(coffee.folder / "backups"))
    scope = Scope("full", date(2025, 9, 15), date(2025, 9, 28))

    def full() -> None:
        modes = coffee.modes(require_backup=lambda connection, _: backups.require_fresh(connection, backups.clock()))
        apply_plan(modes, plan_backfill(modes, scope).id)

    with pytest.raises(BackupMissing, match="none of this database"):
        full()
    assert run(coffee.postgres, coffee.folder, "coffee_backup", apply=True).success
    full()
    assert one(coffee.postgres, "SELECT count(*) FROM prices") == 6
    for dump in backups.folder.path.glob("*.dump"):
        dump.unlink()
    with pytest.raises(BackupMissing, match="is missing"):
        full()
