"""What may be chosen when places are fetched and written; every default is the safe one."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.run_mode import GatedConfig, RunMode


class PlaceConfig(GatedConfig):
    """Choices of a run that writes places, or looks what it would write."""

    apply: bool = Field(default=False, description="Write. Without it nothing is written and nothing materialised.")
    confirm: str = Field(default="", description="The table's name, once more; needed to write a production table.")
    fetch: bool = Field(default=False, description="Ask the Places API for what the cache does not hold, on budget.")
    limit: int | None = Field(default=None, ge=1, description="Most records that this run takes up; default: all.")
    batch_size: int | None = Field(
        default=None, ge=1, le=1000, description="Records of one transaction; default: by wave, 50, 100 or 200."
    )
    image_id: str = Field(default="", description="Only the records of this image.")
    receipt_id: int | None = Field(default=None, ge=1, description="Only this receipt of the image.")
    canary: bool = Field(default=False, description="Judge a dry run of the first 100 records, for the first wave.")

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> RunMode:
        """The mode of a run with these choices.

        Raises:
            SettingsError: two of them contradict each other.
        """
        if self.receipt_id is not None and not self.image_id:
            raise SettingsError("receipt_id without image_id names no record. Repair: give both")
        if self.canary and (self.apply or not self.fetch):
            raise SettingsError("a canary writes nothing and fetches. Repair: apply=false and fetch=true")
        return replace(super().mode(tags, reads_history=reads_history), dry_run=not self.apply)


class FetchConfig(GatedConfig):
    """Choices of a run that fills the cache. It writes no table; calls cost money, so it asks to be told."""

    apply: bool = Field(default=False, description="Call. Without it the run only says how many calls it would make.")

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> RunMode:
        """The mode of a run with these choices."""
        return replace(super().mode(tags, reads_history=reads_history), dry_run=not self.apply)
