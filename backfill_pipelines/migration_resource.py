"""The choices of migration and promotion as the settings of the deployment make them: where settings meet domain."""

from typing import Any

from backfill_pipelines.receipts.migration_settings import MigrationSettings
from backfill_pipelines.receipts.promotion.embedding_settings import EmbeddingSettings
from backfill_pipelines.receipts.promotion.promotion_settings import PromotionSettings
from backfill_pipelines.settings import Settings
from backfill_pipelines.stores.objects import ObjectStore
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
        daily_quota=settings.places_daily_quota,
        write_workers=settings.write_workers,
        write_utilisation=settings.write_utilisation,
        photo_references_max=settings.photo_references_max,
        enrich_stubs=settings.enrich_stubs,
        require_parent_receipt=settings.require_parent_receipt,
        production_tables=settings.production_tables,
        is_embedded="embedded" in (settings.items, settings.places),
    )


def build_promotion(settings: Settings) -> PromotionSettings:
    """How images are promoted on this deployment."""
    return PromotionSettings(
        source=settings.promotion_source,
        source_table=settings.promotion_source_table or "",
        target_table=settings.promotion_target_table or settings.receipts_table or "",
        buckets=settings.promotion_buckets,
        accept_loss=settings.promotion_accept_loss,
        accepted_images=settings.promotion_accepted_images,
        protected_images=settings.promotion_protected_images,
        max_export_age_days=settings.promotion_max_export_age_days,
        check_objects=settings.promotion_check_objects,
        chunk_images=settings.promotion_chunk_images,
        workers=settings.promotion_workers,
        embedding_backlog_limit=settings.promotion_embedding_backlog_limit,
        write_utilisation=settings.write_utilisation,
        production_tables=settings.production_tables,
        is_embedded=settings.items == "embedded",
    )


def build_embedding(settings: Settings) -> EmbeddingSettings:
    """How the embedding of promoted images is started and watched; nobody waits for a stand-in as for the service."""
    stand_in = settings.items == "embedded" and settings.step_functions_endpoint is None
    return EmbeddingSettings(
        line_workflow_arn=settings.line_workflow_arn or "",
        word_workflow_arn=settings.word_workflow_arn or "",
        poll_seconds=settings.embedding_poll_seconds or (0.5 if stand_in else 30.0),
        timeout_seconds=settings.embedding_timeout_seconds,
        sample_seconds=settings.embedding_sample_seconds or (2.0 if stand_in else 60.0),
        is_embedded=stand_in,
    )


def build_exports(url: str) -> ObjectStore:
    """The export files of images below a root."""
    repair = "give the folder of {image_id}.json files with --export, or set BACKFILL_PROMOTION_EXPORTS_URL to it"
    return ObjectStore(url=url, what="the folder of exports", repair=repair)


def build_all_resources(settings: Settings) -> dict[str, Any]:
    """Every resource of a deployment by key: the stores, and how the migration and the promotion use them."""
    return {
        **build_resources(settings),
        "exports": build_exports(settings.exports_root),
        "migration": build_migration(settings),
        "promotion": build_promotion(settings),
        "embedding": build_embedding(settings),
    }
