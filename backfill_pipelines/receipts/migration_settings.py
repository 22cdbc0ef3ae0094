"""How a migration is run: the choices that its plan fixes, and the limits that may change from run to run."""

import dagster as dg
from pydantic import Field

from backfill_pipelines.receipts.capacity import WriteLimits
from backfill_pipelines.receipts.items import digest_of
from backfill_pipelines.receipts.prices import Tier


class MigrationSettings(dg.ConfigurableResource):
    """All settings of the place migration, with the defaults of the documents."""

    tier: str = Field(default=str(Tier.FULL), description="Fields asked for: id_refresh, essentials, pro or full.")
    queries_per_minute: float = Field(default=300.0, gt=0, description="Places calls a minute, of all processes.")
    places_concurrency: int = Field(default=4, ge=1, le=64, description="Places calls in flight at once.")
    cache_max_age_days: float = Field(default=30.0, gt=0, description="Age up to which an answer is used again.")
    budget_usd: str = Field(
        default="50", description="Most dollars of Places calls in a month, free calls not counted."
    )
    max_calls: int | None = Field(default=None, ge=0, description="Most Places calls of one run; none is without cap.")
    free_calls: int | None = Field(default=None, ge=0, description="Free calls a month instead of the price list's.")
    daily_quota: int | None = Field(default=None, ge=0, description="Places calls a day that Google allows.")
    write_workers: int = Field(default=10, ge=1, le=64, description="Writes in flight at once.")
    write_utilisation: float = Field(default=0.5, gt=0, le=1, description="Share of the write limits that is used.")
    photo_references_max: int = Field(default=0, ge=0, description="Photo names kept with a place.")
    enrich_stubs: bool = Field(default=False, description="Fill in stubs that another writer left.")
    require_parent_receipt: bool = Field(default=True, description="A record without a RECEIPT row gets no place.")
    production_tables: list[str] = Field(default=[], description="Tables that need their name as confirmation.")
    is_embedded: bool = Field(default=True, description="Table and API are local stand-ins: latencies mean nothing.")

    @property
    def wanted_tier(self) -> Tier:
        """The tier as the model wants it."""
        return Tier(self.tier)

    @property
    def limits(self) -> WriteLimits:
        """The write limits of a table on demand at this utilisation."""
        return WriteLimits(utilisation=self.write_utilisation)

    @property
    def digest(self) -> str:
        """Of what decides which items are written: a plan made with other choices does not hold."""
        return digest_of(
            {
                "tier": self.tier,
                "photo_references_max": self.photo_references_max,
                "enrich_stubs": self.enrich_stubs,
                "require_parent_receipt": self.require_parent_receipt,
            }
        )
