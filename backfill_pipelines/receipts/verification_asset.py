"""The asset that verifies a wave: every gate a named check, the places as a map, the evidence for the decision."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.receipts.decisions import missing_signatures
from backfill_pipelines.receipts.gate_results import GateResult
from backfill_pipelines.receipts.table_gates import Audit, geohash_distribution, side_by_side
from backfill_pipelines.receipts.verification import (
    WORDS,
    Stores,
    Verification,
    load_audit,
    newest_wave,
    plan_of,
    save_verification,
    verify,
)

VERIFICATION = dg.AssetKey(["receipts", "verification"])
PLACES = dg.AssetKey(["receipts", "receipt_places"])
RESOURCES = {"items", "objects", "control", "migration"}
_TEXT = """What stands in the table after a wave: every gate measured anew on the table, its indexes and the ledgers.

Reads only. Green or not, the result is the evidence that the decision on the wave rests on; a gate that cannot be
measured is an error."""


class VerificationConfig(dg.Config):
    """Which wave."""

    wave: int | None = Field(default=None, ge=1, le=4, description="The waves up to this one; the newest by default.")


def build_verification() -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        key=VERIFICATION,
        deps=[PLACES],
        group_name="receipts",
        kinds={"dynamodb", "python"},
        owners=["team:receipts"],
        description=_TEXT,
        check_specs=[
            dg.AssetCheckSpec(name, asset=VERIFICATION, blocking=True, description=text) for name, text in WORDS.items()
        ],
        required_resource_keys=RESOURCES,
    )
    def verification(context: dg.AssetExecutionContext, config: VerificationConfig) -> Iterator[Any]:
        stores, table = stores_of(context.resources), context.resources.items.named()
        plan = plan_of(stores.objects, table)
        wave = config.wave or newest_wave(stores.ledger(plan), plan)
        found = verify(stores, load_audit(stores, plan, wave))
        save_verification(stores.objects, plan, found)
        yield from conclude(VERIFICATION, found.evidence.results, _about(stores, found))

    return verification


def stores_of(resources: Any) -> Stores:
    """The stores of a run."""
    items = resources.items
    return Stores(items.store(), resources.objects, resources.control, resources.migration, items.metrics())


def conclude(key: dg.AssetKey, results: Sequence[GateResult], metadata: Mapping[str, Any]) -> Iterator[Any]:
    """Every verdict, then the materialisation; an asset with a red gate is not materialised.

    Raises:
        dg.Failure: a gate is red; names its culprits and what to do.
    """
    for result in results:
        yield result.evaluation(key)
    if red := [result for result in results if not result.passed]:
        text = "\n".join(line for result in red for line in result.lines)
        raise dg.Failure(description=text, metadata={"red": [result.gate for result in red]}, allow_retries=False)
    yield dg.MaterializeResult(asset_key=key, metadata=metadata)


def table_of(rows: Sequence[Mapping[str, Any]]) -> dg.MarkdownMetadataValue:
    """Rows as a Markdown table."""
    if not rows:
        return dg.MetadataValue.md("none")
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    lines += ["| " + " | ".join(str(row[name]).replace("|", "\\|") for name in names) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _about(stores: Stores, found: Verification) -> dict[str, Any]:
    audit, results = found.audit, found.evidence.results
    plan = audit.scope.plan
    missing = missing_signatures(stores.objects, stores.ledger(plan), plan) if audit.scope.is_whole else []
    return {
        "receipts/plan": f"{plan.plan_id} revision {plan.revision}",
        "receipts/wave": audit.scope.number,
        "receipts/evidence_digest": found.evidence.digest,
        "receipts/gates": table_of([{"gate": r.gate, "verdict": r.verdict, "measured": r.text} for r in results]),
        "receipts/outcomes": table_of(_outcomes(audit)),
        "receipts/map": picture(audit, f"Places of {plan.plan_id} up to wave {audit.scope.number}"),
        "receipts/geohash_cells": table_of(
            [{"cell": c, "places": n} for c, n in geohash_distribution(audit).values["top_cells"].items()]
        ),
        "receipts/side_by_side": table_of(side_by_side(audit)),
        "receipts/completion_signoff": "\n".join(missing) or ("signed" if audit.scope.is_whole else "after wave 4"),
    }


def _outcomes(audit: Audit) -> list[dict[str, Any]]:
    counts = Counter((str(e.outcome or "intent"), e.reason) for e in audit.entries.values())
    return [{"outcome": o, "reason": r or "-", "records": f"{n:,}"} for (o, r), n in sorted(counts.items())]


def picture(audit: Audit, title: str) -> dg.MarkdownMetadataValue:
    """The map of our places."""
    from backfill_pipelines.receipts.places_picture import draw_places

    png = draw_places(audit.ours, title)
    return dg.MetadataValue.md(f"![places](data:image/png;base64,{base64.b64encode(png).decode()})")
