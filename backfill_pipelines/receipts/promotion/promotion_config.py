"""What may be chosen when images are promoted; every default is the safe one."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from backfill_pipelines.backfill.failures import SettingsError
from backfill_pipelines.backfill.run_mode import GatedConfig, RunMode


class PromoteConfig(GatedConfig):
    """Choices of a run that copies images, or looks what it would copy."""

    apply: bool = Field(default=False, description="Write. Without it nothing is written and nothing materialised.")
    confirm: str = Field(default="", description="The target's name, once more; needed to write a production table.")
    fingerprint: str = Field(default="", description="Of the reviewed plan; needed to write a production table.")
    image_ids: list[str] = Field(default=[], description="Only these images; default: all of the buckets.")
    replace: list[str] = Field(
        default=[], description="Images of which the target holds other content, and that are to be overwritten."
    )
    embed: bool = Field(
        default=False,
        description="When too many lines and words wait, start the embedding workflows and wait, instead of parking.",
    )
    accept_stream_events: int | None = Field(
        default=None, ge=0, description="The number of stream messages that replacing was said to cause."
    )
    dead_letters: int | None = Field(
        default=None,
        ge=0,
        description="Messages in the dead-letter queues of the compaction, as read before replacing.",
    )

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> RunMode:
        """The mode of a run with these choices.

        Raises:
            SettingsError: two of them contradict each other.
        """
        if self.replace and not set(self.replace) <= set(self.image_ids):
            raise SettingsError("replace names images that are not in image_ids. Repair: name them in both")
        return replace(super().mode(tags, reads_history=reads_history), dry_run=not self.apply)
