"""How the coffee recovery is run on a deployment: its settings as a resource, and what its jobs ask for."""

from typing import Any

from backfill_pipelines.coffee.mode_jobs import JOB_RESOURCES
from backfill_pipelines.coffee.recovery import CoffeeSettings
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.resources import build_resources


def build_coffee(settings: Settings) -> CoffeeSettings:
    """The settings of the recovery."""
    return CoffeeSettings(
        is_production=settings.deployment == "prod",
        legacy_url=settings.coffee_legacy_url,
        manifest_file=str(settings.coffee_manifest) if settings.coffee_manifest else None,
        contact=settings.shop_contact,
    )


def coffee_resources(settings: Settings) -> dict[str, Any]:
    """Every resource that assets and jobs of the recovery ask for."""
    found = {**build_resources(settings), "coffee": build_coffee(settings)}
    return {name: found[name] for name in sorted(JOB_RESOURCES)}
