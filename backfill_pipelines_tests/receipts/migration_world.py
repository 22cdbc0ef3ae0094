"""A migration for tests of its gates: a plan over a few buckets, its ledger, and the stores they are kept in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backfill_pipelines.receipts.keys import RecordKey
from backfill_pipelines.receipts.ledger import RecordLedger, Settlement
from backfill_pipelines.receipts.manifest import Manifest, Row
from backfill_pipelines.receipts.outcomes import Outcome, Reason, outcome_of
from backfill_pipelines.receipts.plans import Estimate, Plan
from backfill_pipelines.receipts.waves import plan_waves
from backfill_pipelines.stores.control import ControlStore
from backfill_pipelines.stores.objects import ObjectStore
from backfill_pipelines_tests.receipts.builders import PLACE_ID, RUN

NOW = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)
ESTIMATE = Estimate(
    records=88,
    place_ids=42,
    place_ids_cached=0,
    calls=42,
    sku="Place Details Enterprise",
    calls_free=1000,
    calls_usd="0",
    write_units=1656,
    write_usd="0.001035",
    seconds=9.0,
    prices_as_of="2026-01",
)


def plan_over(counts: dict[str, int], table: str = "Receipts-x", arn: str = "arn:table") -> Plan:
    """A plan whose waves follow from the eligible records of each bucket."""
    return Plan(
        plan_id="plan-20260105-0001",
        revision=1,
        table=table,
        table_arn=arn,
        manifest_run_id=RUN,
        manifest_digest="manifest",
        settings_digest="settings",
        waves=plan_waves(counts),
        estimate=ESTIMATE,
        created_at=datetime(2026, 1, 5, 12, 0, tzinfo=UTC),
    )


def key_in(bucket: str, number: int = 0) -> RecordKey:
    return RecordKey.of(f"{bucket}52804b-2fad-4e00-92c8-{number:012x}", 1)


@dataclass
class Migration:
    """Stores, plan and ledger."""

    objects: ObjectStore
    ledger: RecordLedger
    plan: Plan

    def settle(self, keys: Sequence[RecordKey], what: Outcome | Reason = Outcome.CREATED, at: str = "") -> None:
        reason, outcome = (what, outcome_of(what)) if isinstance(what, Reason) else ("", what)
        self.ledger.settle(RUN, [Settlement(key, PLACE_ID, outcome, str(reason)) for key in keys], at)


@contextmanager
def migration(folder: Path, plan: Plan) -> Iterator[Migration]:
    control = ControlStore(url=f"sqlite:///{folder / 'control.db'}")
    try:
        yield Migration(
            ObjectStore(url=str(folder / "objects"), is_own=True), RecordLedger(control, plan.plan_id), plan
        )
    finally:
        control.close()


def manifest_row(key: RecordKey, **changes: Any) -> Row:
    """The manifest's row of an eligible record."""
    row = Row(
        image_id=key.image_id,
        receipt_id=key.receipt_id,
        bucket=key.bucket,
        place_id=PLACE_ID,
        eligible=True,
        reason="eligible",
        source_digest="0123456789abcdef",
        existing="none",
        notes=(),
    )
    return replace(row, **changes)


def manifest_of(rows: Sequence[Row], table: str = "Receipts-x", **changes: Any) -> Manifest:
    """The manifest of these rows, as an inventory would have counted them."""
    manifest = Manifest(
        run_id=RUN,
        table=table,
        taken_at=NOW,
        scanned_metadata=len(rows),
        rows_scanned=len(rows),
        read_units=1.0,
        requires_receipt=True,
        by_reason={"eligible": sum(row.eligible for row in rows)},
        malformed_by_reason={},
        existing={},
        places=0,
        files={},
    )
    return replace(manifest, **changes)
