"""The choices of the place migration as the settings of the deployment make them: where settings meet that domain."""

from typing import Any

from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.resources import build_resources


def build_migration(settings: Settings) -> MigrationSettings:
    """How the migration is run on this deployment."""
    return MigrationSettings(
        tier=settings.places_tier,
        queries_per_minute=settings.queries_per_minute,
        places_concurrency=settings.places_concurrency,
        cache_max_age_days=settings.places_cache_max_age_days,
        budget_usd=str(settings.places_budget_usd),
        max_calls=settings.places_max_calls,
        free_calls=settings.places_free_calls,
        write_workers=settings.write_workers,
        write_utilisation=settings.write_utilisation,
        photo_references_max=settings.photo_references_max,
        enrich_stubs=settings.enrich_stubs,
        require_parent_receipt=settings.require_parent_receipt,
        production_tables=settings.production_tables,
        is_embedded="embedded" in (settings.items, settings.places),
    )


def build_all_resources(settings: Settings) -> dict[str, Any]:
    """Every resource of a deployment by key: the stores, and how the migration uses them."""
    return {**build_resources(settings), "migration": build_migration(settings)}
