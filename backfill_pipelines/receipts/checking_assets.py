"""The assets that look before and after: preflight, verification, cost report."""

import dagster as dg

from backfill_pipelines.receipts.cost_report_asset import build_cost_report
from backfill_pipelines.receipts.preflight_asset import build_preflight
from backfill_pipelines.receipts.verification_asset import build_verification


def build_checking_assets() -> list[dg.AssetsDefinition]:
    """The assets, in the order of the work."""
    return [build_preflight(), build_verification(), build_cost_report()]
