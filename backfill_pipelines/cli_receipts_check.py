"""``backfill receipts preflight|attest|verify|decide|cost``: thin over the assets and records.

Exit codes: 0 all green or recorded, 1 a gate is red, 2 refused, or a gate could not be measured.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import dagster as dg
import typer

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.cli_console import RED, console, reported
from backfill_pipelines.cli_receipts_run import receipts_app
from backfill_pipelines.migration_resource import build_all_resources
from backfill_pipelines.receipts.attestations import ITEMS
from backfill_pipelines.receipts.attestations import attest as record_attestation
from backfill_pipelines.receipts.checking_assets import build_checking_assets
from backfill_pipelines.receipts.cost_report_asset import COST_REPORT
from backfill_pipelines.receipts.decision_records import Choice, Decision, DecisionRefused
from backfill_pipelines.receipts.decisions import Role, missing_signatures, sign_off
from backfill_pipelines.receipts.decisions import decide as record_decision
from backfill_pipelines.receipts.place_admission import PREFLIGHT
from backfill_pipelines.receipts.plans import Plan
from backfill_pipelines.receipts.verification import Stores, evidence_for, plan_of
from backfill_pipelines.receipts.verification_asset import VERIFICATION
from backfill_pipelines.runner import failure_text, open_instance, run_unpartitioned
from backfill_pipelines.settings import read_settings

COMPLETION = "completion"


@receipts_app.command()
@reported
def preflight(
    raise_capacity: Annotated[int | None, typer.Option(min=1, help="Raise provisioned write units to this.")] = None,
    *,
    create_backup: Annotated[bool, typer.Option(help="Make today's backup when there is none.")] = True,
    create_gsi4: Annotated[bool, typer.Option("--create-gsi4", help="Create GSI4 when it is absent.")] = False,
    enable_pitr: Annotated[bool, typer.Option("--enable-pitr", help="Switch point-in-time recovery on.")] = False,
) -> None:
    """Check all that must be so before the first write: backup, recovery, indexes, capacity, key, budget, people."""
    config = {"create_backup": create_backup, "create_gsi4": create_gsi4, "enable_pitr": enable_pitr}
    _materialize(PREFLIGHT, config | ({"raise_capacity": raise_capacity} if raise_capacity else {}))


@receipts_app.command()
@reported
def attest(
    who: Annotated[str, typer.Option(help="Who vouches.")],
    item: Annotated[list[str], typer.Option(help=f"What for: all, or any of {', '.join(ITEMS)}.")],
    note: Annotated[str, typer.Option(help="A name, a link, a number.")] = "",
) -> None:
    """Vouch for items of readiness, which count for two weeks."""
    resources = build_all_resources(read_settings())
    items = list(ITEMS) if item == ["all"] else item
    for one in record_attestation(resources["objects"], resources["items"].named(), items, who, note):
        console.print(f"{one.item}: {one.who}, {one.at}", highlight=False, markup=False)


@receipts_app.command()
@reported
def verify(
    wave: Annotated[int | None, typer.Option(min=1, max=4, help="The waves up to this; default: the newest.")] = None,
) -> None:
    """Measure every gate of a wave on the table, its indexes and the ledgers: the evidence for the decision."""
    _materialize(VERIFICATION, {"wave": wave} if wave else {})


@receipts_app.command()
@reported
def cost() -> None:
    """The report on cost: calls, money, units, storage, before and after."""
    _materialize(COST_REPORT, None)


@receipts_app.command()
@reported
def decide(
    step: Annotated[str, typer.Argument(help="A wave, 1 to 4, or completion.")],
    choice: Annotated[Choice, typer.Argument(help="What was decided.")],
    who: Annotated[str, typer.Option(help="Who decided.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    accept_need_more_data: Annotated[str, typer.Option(help="Why going on without enough data is right.")] = "",
    accept_record: Annotated[
        list[str] | None, typer.Option(help="A record without a place that is accepted as such: IMAGE_ID/RECEIPT_ID.")
    ] = None,
    role: Annotated[Role | None, typer.Option(help="Who signs the completion.")] = None,
) -> None:
    """Record a decision on a wave, or a sign-off of the completion; it counts for seven days."""
    resources = build_all_resources(read_settings())
    stores = Stores(resources["items"].store(), resources["objects"], resources["control"], resources["migration"])
    try:
        plan = plan_of(stores.objects, resources["items"].named())
        if step == COMPLETION:
            _sign(stores, plan, choice, role, who, reason)
            return
        accepted = tuple(accept_record or ())
        evidence = evidence_for(stores, plan, _wave(step, plan), choice, accepted)
        made = record_decision(
            stores.objects,
            plan,
            evidence,
            choice,
            who=who,
            reason=reason,
            accept_need_more_data=accept_need_more_data,
            accepted_records=accepted,
        )
        _show(made)
    finally:
        stores.control.close()


def _sign(stores: Stores, plan: Plan, choice: Choice, role: Role | None, who: str, reason: str) -> None:
    if role is None or choice is not Choice.PROCEED:
        raise DecisionRefused(
            f"the completion is signed by {', '.join(Role)}. Repair: backfill receipts decide completion proceed "
            "--role ROLE --who NAME --reason TEXT"
        )
    _show(sign_off(stores.objects, stores.ledger(plan), plan, role, who=who, reason=reason))
    for text in missing_signatures(stores.objects, stores.ledger(plan), plan):
        console.print(text, highlight=False, markup=False)


def _wave(step: str, plan: Plan) -> int:
    if step not in {str(wave.number) for wave in plan.waves}:
        raise DecisionRefused(f"{step!r} is no wave of {plan.plan_id}. Repair: 1 to {len(plan.waves)}, or {COMPLETION}")
    return int(step)


def _show(made: Decision) -> None:
    text = f"{made.plan_id} {made.step}: {made.choice} by {made.who}, valid until {made.expires_at:%Y-%m-%d %H:%M} UTC"
    console.print(text, highlight=False, markup=False)
    for result in made.evidence.results:
        console.print(f"  {result.gate}: {result.verdict}: {result.text}", highlight=False, markup=False)


def _materialize(key: dg.AssetKey, config: Mapping[str, Any] | None) -> None:
    """Run the asset as the UI does and print its gates; a gate that could not be measured is an error."""
    settings = read_settings()
    resources = build_all_resources(settings)
    asset = next(found for found in build_checking_assets() if found.key == key)
    resources["items"].require_answer()
    used = {name: resource for name, resource in resources.items() if name in asset.required_resource_keys}
    with open_instance(settings) as instance:
        result = run_unpartitioned(asset, instance=instance, resources=used, config=config)
        checks = result.get_asset_check_evaluations()
        if not result.success and all(check.passed for check in checks):
            raise BackfillError(f"{key.to_user_string()} could not be measured: {failure_text(result)}")
    for check in checks:
        text = (check.description or "").replace("  \n", "\n")
        console.print(text, style=None if check.passed else "red", highlight=False, markup=False)
    if not result.success:
        raise typer.Exit(RED)
