"""Why publishing stops before it writes."""

from backfill_pipelines.backfill.failures import BackfillError


class PublishRefused(BackfillError):
    """What is staged may not become the published state; nothing was changed."""
