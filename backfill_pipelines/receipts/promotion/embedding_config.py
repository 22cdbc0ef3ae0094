"""What may be chosen when promoted images are embedded; every default is the safe one."""

from collections.abc import Mapping
from dataclasses import replace

from pydantic import Field

from backfill_pipelines.backfill.run_mode import GatedConfig, RunMode


class EmbedConfig(GatedConfig):
    """Choices of a run that starts the embedding workflows, or looks what it would start."""

    apply: bool = Field(default=False, description="Start the workflows. Without it nothing is started.")
    confirm: str = Field(default="", description="The target's name, once more; needed for a production table.")
    run_id: str = Field(
        default="", description="Only images that this promotion copied; their buckets are left open. Default: all."
    )

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> RunMode:
        """The mode of a run with these choices."""
        return replace(super().mode(tags, reads_history=reads_history), dry_run=not self.apply)
