"""Pausing: a flag on the Dagster instance that every gated run, gap sensor and command looks at.

What lives here is the flag and what a stopped run says. A paused run ends as failed with nothing published; published
partitions stay as they are, so that resuming is running the same again.
"""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import dagster as dg

from backfill_pipelines.backfill.failures import SettingsError

#: More partitions in a row than this whose run ran out of time are no accident: the asset is paused.
MOST_TIMEOUTS_IN_A_ROW = 3
_CURSOR = "backfill/pauses"


@dataclass(frozen=True)
class Pause:
    """What is paused, why, by whom, and since when (ISO, UTC). ``scope``: dataset or dataset/table; empty: all."""

    scope: str
    reason: str
    by: str
    since: str

    def covers(self, key: dg.AssetKey) -> bool:
        """Whether an asset is paused by it."""
        name = key.to_user_string()
        return not self.scope or name == self.scope or name.startswith(f"{self.scope}/")

    @property
    def text(self) -> str:
        """In words, with the command that ends it."""
        resumed = " ".join(["backfill resume", self.scope]).strip()
        return (
            f"{self.scope or 'everything'} is paused since {self.since} by {self.by}: {self.reason}. Resume: {resumed}"
        )


def pauses(instance: dg.DagsterInstance) -> list[Pause]:
    """Every pause in force, oldest first."""
    kept = instance.daemon_cursor_storage.get_cursor_values({_CURSOR}).get(_CURSOR)
    return [Pause(**values) for values in json.loads(kept)] if kept else []


def pause(instance: dg.DagsterInstance, scope: str, *, reason: str, by: str) -> Pause:
    """Pause a scope; a pause of the same scope is replaced.

    Raises:
        SettingsError: there is no reason.
    """
    if not reason.strip():
        raise SettingsError("a pause needs a reason. Repair: say it with --reason")
    new = Pause(scope, reason, by, datetime.now(UTC).isoformat(timespec="seconds"))
    _keep(instance, [*(one for one in pauses(instance) if one.scope != scope), new])
    return new


def resume(instance: dg.DagsterInstance, scope: str) -> list[Pause]:
    """End the pause of a scope, of everything when it is empty; the pauses that were ended."""
    found = pauses(instance)
    ended = [one for one in found if scope in ("", one.scope)]
    _keep(instance, [one for one in found if one not in ended])
    return ended


def pause_of(instance: dg.DagsterInstance, *keys: dg.AssetKey) -> Pause | None:
    """The pause that an asset is under; of several, the first of them that is under one."""
    found = pauses(instance)
    return next((one for key in keys for one in found if one.covers(key)), None)


def paused_failure(key: dg.AssetKey, found: Pause, stopped: str) -> dg.Failure:
    """How a run ends that met a pause; ``stopped`` says where."""
    return dg.Failure(
        description=f"PAUSED {key.to_user_string()}, {stopped}; nothing of this run was published. {found.text}; then "
        "re-execute the run or backfill from failure in the UI, or give the command again: what is published stays.",
        metadata={"paused_scope": found.scope or "everything", "paused_by": found.by},
        allow_retries=False,
    )


@contextmanager
def pausing_after_timeouts(
    context: dg.AssetExecutionContext, key: dg.AssetKey, max_retries: int
) -> Generator[None, None, None]:
    """Pause an asset whose range run ran out of time again in its last retry: later chunks would fare no better."""
    try:
        yield
    except dg.Failure:
        raise
    except Exception as error:
        size = len(context.partition_keys)
        if is_timeout(error) and size > MOST_TIMEOUTS_IN_A_ROW and context.retry_number >= max_retries:
            reason = f"{size} partitions in a row ran out of time: {error}"
            pause(context.instance, key.to_user_string(), reason=reason, by=f"run {context.run.run_id}")
        raise


def is_timeout(error: BaseException) -> bool:
    """Whether an error says that something took too long."""
    text = str(error).lower()
    return isinstance(error, TimeoutError) or "timeout" in text or "timed out" in text


def _keep(instance: dg.DagsterInstance, found: list[Pause]) -> None:
    instance.daemon_cursor_storage.set_cursor_values({_CURSOR: json.dumps([asdict(one) for one in found])})
