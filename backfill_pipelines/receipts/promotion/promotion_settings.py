"""How a promotion is run: what decides the items that it writes, and the limits that may change from run to run."""

import re
from datetime import timedelta

import dagster as dg
from pydantic import Field

from backfill_pipelines.receipts.capacity import WriteLimits
from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.promotion.reading_rules import ReadingRules

_SAYS_PRODUCTION = re.compile(r"(^|[-_.])prod(uction)?$", re.IGNORECASE)


class PromotionSettings(dg.ConfigurableResource):
    """All settings of the promotion, with the defaults of the documents."""

    source: str = Field(
        default="files", pattern="^(files|table)$", description="Read export files, or the source table."
    )
    source_table: str = Field(default="", description="The table images come from; exports are checked against it.")
    target_table: str = Field(default="", description="The table images are copied to; it has no default.")
    buckets: dict[str, str] = Field(
        default={}, description="S3 bucket of the source to that of the target; name to itself keeps a name."
    )
    accept_loss: list[str] = Field(
        default=[],
        description="What may be left behind: lists, TYPEs, (no TYPE), list.attribute, names of files.",
    )
    accepted_images: list[str] = Field(
        default=[], description="Images that may be quarantined; they do not count against the ratio."
    )
    protected_images: list[str] = Field(default=[], description="Images that are never replaced.")
    max_export_age_days: float = Field(default=7.0, gt=0, description="Age up to which an export file counts.")
    check_objects: bool = Field(default=False, description="Ask the target's buckets for every file of an image.")
    chunk_images: int = Field(default=100, ge=1, le=10_000, description="Images between two looks at the backlog.")
    workers: int = Field(default=10, ge=1, le=64, description="Images in flight at once.")
    embedding_backlog_limit: int = Field(
        default=50_000, ge=1, description="Most lines and words that may wait for their embedding."
    )
    write_utilisation: float = Field(default=0.5, gt=0, le=1, description="Share of the write limits that is used.")
    production_tables: list[str] = Field(default=[], description="Further tables that need their name as confirmation.")
    is_embedded: bool = Field(default=True, description="The tables are local stand-ins: latencies mean nothing.")

    def production_names(self, table: str) -> list[str]:
        """Names and ARNs that need a confirmation: those of the settings, and the target where its name says prod.

        A deployment that forgot to list its production table must not lose the confirmation with it.
        """
        return [*self.production_tables, *([table] if _SAYS_PRODUCTION.search(table) else [])]

    @property
    def rules(self) -> ReadingRules:
        """What the reading of an image follows."""
        return ReadingRules(dict(self.buckets), frozenset(self.accept_loss))

    @property
    def max_export_age(self) -> timedelta:
        """Age up to which an export file counts."""
        return timedelta(days=self.max_export_age_days)

    @property
    def limits(self) -> WriteLimits:
        """The write limits of a table on demand at this utilisation."""
        return WriteLimits(utilisation=self.write_utilisation)

    @property
    def digest(self) -> str:
        """Of what decides which items are written: a manifest or plan made with other choices does not hold."""
        return digest_of(
            {
                "source": self.source,
                "source_table": self.source_table,
                "buckets": dict(self.buckets),
                "accept_loss": sorted(self.accept_loss),
                "max_export_age_days": str(self.max_export_age_days),
                "check_objects": self.check_objects,
            }
        )
