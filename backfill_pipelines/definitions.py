"""Everything Dagster loads, assembled in one place. The only module that sees all domains."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from backfill_pipelines.backfill.event_storage import enable_event_batches
from backfill_pipelines.backfill.progress import build_progress_sensor
from backfill_pipelines.coffee.alerts import build_alert_sensor
from backfill_pipelines.coffee.assets import build_coffee_assets
from backfill_pipelines.coffee.automation import build_coffee_gap_sensor, build_coffee_schedules, build_intake_job
from backfill_pipelines.coffee.coverage_asset import build_coverage
from backfill_pipelines.coffee.mode_jobs import build_mode_jobs
from backfill_pipelines.coffee.operation_jobs import build_backup_schedule, build_operation_jobs
from backfill_pipelines.coffee.overall_checks import build_overall_checks
from backfill_pipelines.coffee_operations import build_backup_settings, build_backups
from backfill_pipelines.coffee_resource import build_coffee
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.nba.assets import build_assets
from backfill_pipelines.nba.automation import build_schedules, build_sensors
from backfill_pipelines.nba.gap_asset import build_gap_analysis
from backfill_pipelines.nba.phase_gates.assets import build_phase_gates
from backfill_pipelines.receipts.assets import build_receipt_assets
from backfill_pipelines.receipts.checking_assets import build_checking_assets
from backfill_pipelines.receipts.gap_sensor import build_receipts_gap_sensor
from backfill_pipelines.receipts.jobs import build_jobs
from backfill_pipelines.receipts.migration_assets import build_migration_assets
from backfill_pipelines.receipts.promotion.embedding_assets import build_embeddings
from backfill_pipelines.receipts.promotion.gap_sensor import build_promotion_gap_sensor
from backfill_pipelines.receipts.promotion.jobs import build_promotion_jobs
from backfill_pipelines.receipts.promotion.plan_asset import build_promotion_plan
from backfill_pipelines.receipts.promotion.promotion_assets import build_promotion_assets
from backfill_pipelines.receipts.promotion.report_asset import build_promotion_report
from backfill_pipelines.settings import Settings, read_settings

enable_event_batches()


def build_defs(settings: Settings, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Definitions of a deployment; ``resources`` replace those of the settings."""
    return dg.Definitions(
        assets=[
            *build_assets(settings.warehouse),
            *build_phase_gates(settings.warehouse),
            build_gap_analysis(settings.warehouse),
            *build_receipt_assets(),
            *build_migration_assets(),
            *build_checking_assets(),
            *build_promotion_assets(),
            build_promotion_plan(),
            build_promotion_report(),
            build_embeddings(),
            *build_coffee_assets(is_production=settings.deployment == "prod"),
            build_coverage(),
        ],
        jobs=[
            *build_jobs(),
            *build_promotion_jobs(),
            *build_mode_jobs(build_backups(settings).require_fresh),
            *build_operation_jobs(),
            build_intake_job(),
        ],
        asset_checks=[build_overall_checks()],
        sensors=[
            *build_sensors(),
            build_receipts_gap_sensor(),
            build_promotion_gap_sensor(),
            build_coffee_gap_sensor(),
            build_alert_sensor(),
            build_progress_sensor(),
        ],
        schedules=[*build_schedules(), *build_coffee_schedules(), build_backup_schedule()],
        resources={
            **build_all_resources(settings),
            "coffee": build_coffee(settings),
            "backups": build_backup_settings(settings),
            **(resources or {}),
        },
        executor=dg.in_process_executor,
    )


defs = build_defs(read_settings())
