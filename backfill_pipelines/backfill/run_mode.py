"""How a range run was asked to behave: launch-time choices, and what follows from who launched it.

Backfill mode trades the checks that only make sense day after day for a stricter one: all history must be there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import dagster as dg
from dagster._core.storage.tags import BACKFILL_ID_TAG
from pydantic import Field

from backfill_pipelines.backfill.failures import SettingsError

#: The tag by which the run history knows runs of the command line.
CLI_TAG = "backfill/cli"
#: ``true`` on a run that rebuilds what a correction made stale: every partition of it was published before, behind the
#: gate of its phase, which is red while the repair is under way.
REPAIR_TAG = "backfill/repair"
#: ``true`` on a run whose published partitions must set nothing going downstream, ``false`` on any other.
SKIP_DOWNSTREAM_TAG = "backfill/skip_downstream"


class GatedConfig(dg.Config):
    """What every config of a gated asset can say: how its run is to behave. A domain adds its own choices."""

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> "RunMode":  # noqa: ARG002
        """The mode of a run with these tags; ``reads_history`` is True for a table that reads earlier partitions."""
        return RunMode(backfill=is_launched(tags), skip_downstream=is_launched(tags))


class RangeConfig(GatedConfig):
    """Launch-time choices of a range run over dates; every default is the safe one."""

    backfill_mode: bool | None = Field(
        default=None,
        description="History must be whole, day-to-day checks are left out. Default: true in a launched backfill and "
        "on the command line, false in a sensor's or an automation's run.",
    )
    strict_mode: bool = Field(
        default=True,
        description="False admits a partition whose history has holes; its rows say so. Needs a reason.",
    )
    reason: str = Field(default="", description="Why strict mode is off; kept with the verdict.")
    skip_downstream: bool | None = Field(
        default=None, description="Keep automation from going on with what this run publishes. Default: backfill_mode."
    )
    on_error: Literal["default", "continue", "stop"] = Field(
        default="default",
        description="'stop' holds back every partition after the first red one; 'continue' publishes the green ones. "
        "'default' is 'stop' for a table that reads its earlier partitions' upstreams, 'continue' for any other.",
    )
    force: bool = Field(default=False, description="Write partitions again although their content has not changed.")

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> "RunMode":
        """The mode that the choices and the tags make."""
        return run_mode(tags, self, reads_history=reads_history)


@dataclass(frozen=True)
class RunMode:
    """The choices in force."""

    backfill: bool = False
    strict: bool = True
    reason: str = ""
    skip_downstream: bool = False
    stop_on_error: bool = False
    force: bool = False
    #: Nothing is published, so nothing is judged either: a run without verdicts and materialisations.
    dry_run: bool = False


def is_launched(tags: Mapping[str, str]) -> bool:
    """Whether a person launched the run: a backfill, or the command line."""
    return BACKFILL_ID_TAG in tags or CLI_TAG in tags


def run_mode(tags: Mapping[str, str], config: RangeConfig, *, reads_history: bool) -> RunMode:
    """The mode of a run from its tags and config.

    Raises:
        SettingsError: strict mode is off without a reason, or a table that reads history is told to go on past errors.
    """
    if not config.strict_mode and not config.reason.strip():
        raise SettingsError("strict_mode=false needs a reason. Repair: give `reason` in the run config, or leave it on")
    if config.on_error == "continue" and reads_history:
        raise SettingsError(
            "on_error=continue is not for a table that reads earlier dates: the dates after a red one would be built "
            "on a hole. Repair: use stop"
        )
    backfill = is_launched(tags) if config.backfill_mode is None else config.backfill_mode
    return RunMode(
        backfill=backfill,
        strict=config.strict_mode,
        reason=config.reason,
        skip_downstream=backfill if config.skip_downstream is None else config.skip_downstream,
        stop_on_error=reads_history if config.on_error == "default" else config.on_error == "stop",
        force=config.force,
    )
