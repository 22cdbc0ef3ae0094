"""The asset of preflight: every gate a named check; materialised only when all are green."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.receipts.attestations import attest
from backfill_pipelines.receipts.cost_report_asset import snapshot_now
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.place_admission import PREFLIGHT
from backfill_pipelines.receipts.plans import latest_plan
from backfill_pipelines.receipts.preflight import WORDS, Choices, Preflight
from backfill_pipelines.receipts.verification_asset import conclude, stores_of, table_of

RESOURCES = {"items", "objects", "control", "places", "notifier", "migration"}
_TEXT = """Whether everything is ready before the first write: backup, recovery, indexes, capacity, key, budget, people.

No item is written; a missing backup is made. Writing waits until every gate is green."""


class PreflightConfig(dg.Config):
    """What preflight may change, and what a person vouches for."""

    create_backup: bool = Field(default=True, description="Make today's backup when there is none.")
    create_gsi4: bool = Field(default=False, description="Create GSI4 when it is absent, and wait until it is filled.")
    enable_pitr: bool = Field(default=False, description="Switch point-in-time recovery on.")
    raise_capacity: int | None = Field(default=None, ge=1, description="Write units of table and indexes, provisioned.")
    attested_by: str = Field(default="", description="Who vouches for the items below.")
    attested_items: list[str] = Field(default=[], description="Items of readiness that this person vouches for.")

    def choices(self) -> Choices:
        """As preflight wants them."""
        return Choices(
            create_backup=self.create_backup,
            create_gsi4=self.create_gsi4,
            enable_pitr=self.enable_pitr,
            raise_capacity=self.raise_capacity,
        )


def build_preflight() -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        key=PREFLIGHT,
        group_name="receipts",
        kinds={"dynamodb", "python"},
        owners=["team:receipts"],
        description=_TEXT,
        check_specs=[
            dg.AssetCheckSpec(name, asset=PREFLIGHT, blocking=True, description=text) for name, text in WORDS.items()
        ],
        required_resource_keys=RESOURCES,
    )
    def preflight(context: dg.AssetExecutionContext, config: PreflightConfig) -> Iterator[Any]:
        resources: Any = context.resources
        name = resources.items.named()
        if config.attested_items:
            attest(resources.objects, name, config.attested_items, config.attested_by)
        made = Preflight(
            name=name,
            items=resources.items.store(),
            table=resources.items.as_table(),
            objects=resources.objects,
            control=resources.control,
            places=resources.places,
            notifier=resources.notifier,
            settings=resources.migration,
            choices=config.choices(),
        )
        results = made.results()
        about = {
            "receipts/table": name,
            "receipts/gates": table_of([{"gate": r.gate, "measured": r.text} for r in results]),
            **{
                f"receipts/{key}": value
                for r in results
                for key, value in r.values.items()
                if key in ("arn", "restore")
            },
        }
        if not begun(resources, name):
            # What the table was like before the first write, for the report on cost.
            snapshot_now(stores_of(resources), name, resources.items.as_table().describe(), name)
        yield from conclude(PREFLIGHT, results, about)

    return preflight


def begun(resources: Any, table: str) -> bool:
    """Whether a run of the table's plan has begun."""
    plan = latest_plan(resources.objects, table)
    return plan is not None and bool(RecordLedger(resources.control, plan.plan_id).runs())
