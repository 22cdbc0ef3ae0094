"""A process that applies a plan and is killed on the spot. Arguments: server folder, database, files, plan, where.

``where``: ``search``, ``derive``, ``staged`` (before anything is published), ``published`` (before the commit),
``committed`` (before Dagster hears of it), or ``full`` (in the middle of a swap).
"""

import os
import signal
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from backfill_pipelines.coffee import derive_target, full_mode, publish_target, search_target
from backfill_pipelines.coffee.mode_world import ModeWorld
from backfill_pipelines.coffee.modes import apply_plan
from backfill_pipelines.coffee.recovery import CoffeeSettings
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.notifications import Notifier
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres


def _die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _after(module: Any, name: str) -> None:
    """The function is done as ever, and then the process is gone."""
    real = getattr(module, name)

    def wrapped(*args: Any, **how: Any) -> None:
        real(*args, **how)
        _die()

    setattr(module, name, wrapped)


def _after_commit() -> None:
    real = publish_target.open_recovery

    @contextmanager
    def opened(*args: Any, **how: Any) -> Any:
        with real(*args, **how) as recovery:
            yield recovery
            _die()

    publish_target.open_recovery = opened  # type: ignore[assignment]


def main() -> None:
    """Apply the plan up to the point where it is killed."""
    embedded, database, folder, plan, where = sys.argv[1:]
    {
        "search": lambda: _after(search_target, "record_captures"),
        "derive": lambda: _after(derive_target, "save_chunk"),
        "staged": lambda: _after(publish_target, "stage"),
        "published": lambda: _after(publish_target, "publish"),
        "committed": _after_commit,
        "full": lambda: _after(full_mode, "publish"),
    }[where]()
    postgres, objects = (
        Postgres(embedded=embedded, database=database),
        ObjectStore(url=f"{folder}/artifacts", is_own=True),
    )
    control = ControlStore(url=f"sqlite:///{Path(folder) / 'control.db'}")
    settings, notifier = CoffeeSettings(), Notifier(file=f"{folder}/told.jsonl")
    resources = {"postgres": postgres, "artifacts": objects, "control": control, "coffee": settings}
    with dg.DagsterInstance.ephemeral() as instance:
        world = ModeWorld(
            postgres,
            objects,
            settings,
            notifier,
            instance,
            "child",
            resources,
            require_backup=lambda *_: None,
        )
        apply_plan(world, uuid.UUID(plan))


if __name__ == "__main__":
    main()
