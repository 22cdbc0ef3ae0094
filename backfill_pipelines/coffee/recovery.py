"""What a range run of the recovery works with: stores, choices, the backfill it belongs to, and its locks.

Opened anew by each Dagster run; nothing of it is kept between two.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast

import dagster as dg
from pydantic import Field

from backfill_pipelines.backfill.admission import Admission
from backfill_pipelines.backfill.outcome import Decision, PartitionOutcome, RangeOutcome
from backfill_pipelines.backfill.run_mode import GatedConfig, RunMode, is_launched
from backfill_pipelines.coffee.artifacts import Artifacts
from backfill_pipelines.coffee.backfill_ledger import (
    LedgerRun,
    Settled,
    begin_run,
    finish_run,
    load_run,
    new_run,
    settle,
)
from backfill_pipelines.coffee.expected_set import parse_partition
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.model import natural_id
from backfill_pipelines.coffee.pauses import assets_paused, intake_paused
from backfill_pipelines.coffee.replay import Day, Days, load_days
from backfill_pipelines.coffee.scope import Scope, digest_of
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines.stores.postgres import Postgres, session_lock

#: Resources that the assets of the recovery need.
RESOURCES = frozenset({"postgres", "artifacts", "control", "coffee"})
RUNNING_ELSEWHERE = "running_elsewhere"


class CoffeeSettings(dg.ConfigurableResource):
    """How the recovery is run on a deployment."""

    is_production: bool = Field(default=False, description="Nothing is written unless `apply` says so.")
    legacy_url: str | None = Field(
        default=None, description="Folder or bucket prefix of files in the old layouts, searched for lost days."
    )
    manifest_file: str | None = Field(default=None, description="Import manifest: times of files that have none.")
    contact: str = Field(default="", description="URL or address by which a shop reaches who runs this.")


class CoffeeConfig(GatedConfig):
    """Launch-time choices of a range run of the recovery; every default is the safe one."""

    backfill_run_id: str = Field(default="", description="The backfill that the run is part of; default: its own.")
    fetch: bool = Field(default=True, description="Ask a shop whose window is still open and that was not captured.")
    apply: bool = Field(default=True, description="False: derive and judge, and publish nothing.")

    def mode(self, tags: Mapping[str, str], *, reads_history: bool) -> RunMode:  # noqa: ARG002
        """Launched runs set nothing going downstream; without ``apply`` nothing is published."""
        launched = is_launched(tags)
        return RunMode(backfill=launched, skip_downstream=launched, dry_run=not self.apply)


class ProductionCoffeeConfig(CoffeeConfig):
    """The same on a production database: nothing is published unless it is asked for."""

    apply: bool = Field(default=False, description="Publish. Without it the run derives and judges only.")


@dataclass
class Recovery:
    """The stores and choices of one run, and the backfill that its rows carry."""

    postgres: Postgres
    artifacts: Artifacts
    objects: ObjectStore
    settings: CoffeeSettings
    config: CoffeeConfig
    run: LedgerRun
    resources: Any
    log: Callable[[str], None] = lambda _: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: Why nothing may run, and no page be asked for, any more; empty when it may.
    assets_paused: Callable[[], str] = lambda: ""
    #: Whether the backfill has its row in ``backfill_runs``.
    is_in_ledger: bool = True
    #: Partitions that another worker is at, and those that ended red.
    busy: set[str] = field(default_factory=set[str])
    red: set[str] = field(default_factory=set[str])

    @property
    def application_name(self) -> str:
        """Who the connections of the run are, in ``pg_stat_activity``."""
        return f"coffee:{self.run.id}"

    def is_open(self, partition: str) -> bool:
        """Whether a partition is left as it is: a dry run, or another worker is at it."""
        return partition in self.busy or not self.config.apply

    def no_shop_now(self) -> str:
        """Why no other shop may be asked; empty when it may."""
        return self.assets_paused() or intake_paused(self.postgres, self.application_name)

    def settle(self, ended: Sequence[Settled]) -> None:
        """Write down how partitions of a backfill ended, where there is one."""
        if ended and self.is_in_ledger and self.config.apply:
            with self.postgres.connect(self.application_name) as connection:
                settle(connection, self.run.id, ended)

    def settle_red(self, days: Days | None, outcome: RangeOutcome, lost: Collection[str] = ()) -> None:
        """Write down the partitions that ended red here, those of them that cannot be had apart.

        A refused one is its parent's to write down.
        """
        known = days.by_key if days else {}
        self.red |= {one.partition for one in outcome.failed}
        own = [one for one in outcome.failed if one.decision is not Decision.REFUSED and one.partition in known]
        self.settle(
            [settled_red(known[o.partition], o, "unrecoverable" if o.partition in lost else "failed") for o in own]
        )

    def load_days(self, partitions: Sequence[str]) -> Days:
        """The partitions as the database has them, restricted as the backfill is."""
        with self.postgres.connect(self.application_name) as connection:
            return load_days(connection, partitions, self.run.scope)


@contextmanager
def open_recovery(
    context: dg.AssetExecutionContext, admission: Admission, *, publishes: bool = False
) -> Iterator[Recovery]:
    """The recovery of a run, under the work locks of its partitions.

    One that publishes has a row of ``backfill_runs``, its own when it is part of no backfill. A partition that another
    session works on is not an error: it is left as it is, and said to be busy.
    """
    resources, config = context.resources, cast("CoffeeConfig", admission.config)
    postgres = cast("Postgres", resources.postgres)
    own = None if config.backfill_run_id else _own_run(context, config)
    with postgres.connect(f"coffee:{config.backfill_run_id or context.run.run_id}") as connection:
        require_migrated(connection)
        run = own or load_run(connection, uuid.UUID(config.backfill_run_id))
        if own and publishes:
            new_run(connection, own)
            begin_run(connection, own.id, context.run.run_id)
    found = Recovery(
        postgres,
        Artifacts(resources.artifacts),
        resources.artifacts,
        resources.coffee,
        config,
        run,
        resources,
        context.log.info,
        assets_paused=lambda: assets_paused(context.instance),
        is_in_ledger=publishes or not own,
    )
    with _work_locks(found, admission.partitions):
        yield found
    if own and publishes:
        with postgres.connect(found.application_name) as connection:
            finish_run(connection, run.id, "failed" if found.red else "ok", {"red": sorted(found.red)})


def settled_ok(day: Day, outcome: PartitionOutcome, *, is_partial: bool, rows: int) -> Settled:
    """How a published partition is kept in the ledger; ``rows`` are its observations."""
    advisory = {verdict.gate.name: verdict.text for verdict in outcome.verdicts if not verdict.passed}
    verdict = {"green": sum(verdict.passed for verdict in outcome.verdicts), "advisory": advisory, "rows": rows}
    return Settled(day.roaster_id, day.day, "partial" if is_partial else "ok", day.input_digest, verdict)


def settled_red(day: Day, outcome: PartitionOutcome, state: Literal["failed", "unrecoverable"] = "failed") -> Settled:
    """How a partition that was not published is kept in the ledger."""
    red = {verdict.gate.name: verdict.text for verdict in outcome.red}
    code = "gates_red" if state == "failed" else state
    return Settled(day.roaster_id, day.day, state, day.input_digest, {"red": red}, code, outcome.failure_text)


def _own_run(context: dg.AssetExecutionContext, config: CoffeeConfig) -> LedgerRun:
    """The backfill of a range run that is part of none: one launched by hand, by a sensor or a Dagster backfill.

    A step that is tried again is the same backfill.
    """
    days = [parse_partition(key) for key in context.partition_keys]
    roasters = tuple(sorted({slug for _, slug in days}))
    scope = Scope("incremental", min(day for day, _ in days), max(day for day, _ in days), roasters)
    return LedgerRun(
        natural_id(f"backfill:{context.run.run_id}"),
        scope,
        {"apply": config.apply},
        digest_of(scope.to_json()),
        "planned",
    )


@contextmanager
def _work_locks(recovery: Recovery, partitions: Sequence[str]) -> Iterator[None]:
    """The session locks of every source and day that the run will work on; a busy one makes its partition busy."""
    days = recovery.load_days(partitions) if partitions else None
    wanted = [
        (day, source)
        for day in (days.by_key.values() if days else ())
        for source in (days.shops.sources.get(day.roaster_id, ()) if days else ())
    ]
    with recovery.postgres.connect(recovery.application_name, autocommit=True) as connection, ExitStack() as held:
        for day, source in wanted:
            if day.key not in recovery.busy:
                key = f"coffee:{source}:{day.day.isoformat()}"
                if not held.enter_context(session_lock(connection, key)):
                    recovery.busy.add(day.key)
                    recovery.log(f"{day.key} is running elsewhere; it is left alone")
                    recovery.settle([Settled(day.roaster_id, day.day, "skipped", error_code=RUNNING_ELSEWHERE)])
        yield
