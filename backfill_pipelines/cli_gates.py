"""``backfill gate``: measure a phase gate on the persistent instance and print its words and evidence."""

from collections.abc import Mapping
from typing import Annotated, Any

import dagster as dg
import typer

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.phase_gates import is_own
from backfill_pipelines.cli_console import RED, console, day_of, reported
from backfill_pipelines.nba.phase_gates.assets import build_phase_gates
from backfill_pipelines.nba.phase_gates.names import GATES
from backfill_pipelines.nba.warehouse_setup import set_up
from backfill_pipelines.runner import failure_text, open_instance, run_unpartitioned
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.resources import build_resources, build_warehouse

gates_app = typer.Typer(no_args_is_help=True, help="Measure a phase gate: may the next phase start?")

#: What the calendar and the verdict are called; the one is a picture, the other is printed first.
_NOT_PRINTED = ("backfill/calendar", "backfill/verdict")


@gates_app.callback()
def gates() -> None:
    """Measure a phase gate: may the next phase start?"""


@gates_app.command()
@reported
def nba(
    number: Annotated[int, typer.Argument(help="0: phase 2, 1: phase 3, 2: phase 4, 3: live.", min=0, max=3)],
    season: Annotated[list[str] | None, typer.Option(help="Seasons to judge; default: every loaded one.")] = None,
    first: Annotated[str, typer.Option("--from", help="First date to judge.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last date to judge.")] = "",
    smoke_date: Annotated[str, typer.Option(help="Gate 0: date of the smoke run.")] = "",
) -> None:
    """Measure a gate; exit code 1 when it is red, with what is missing and the commands that repair it."""
    settings = read_settings()
    set_up(build_warehouse(settings))
    config = {
        "seasons": season or [],
        "first_date": str(day_of(first)) if first else "",
        "last_date": str(day_of(last)) if last else "",
        "smoke_date": str(day_of(smoke_date)) if smoke_date else "",
    }
    with open_instance(settings) as instance:
        if not run_gate(settings, instance, number, config):
            raise typer.Exit(RED)


def run_gate(
    settings: Settings,
    instance: dg.DagsterInstance,
    number: int,
    config: Mapping[str, Any],
    *,
    with_evidence: bool = True,
) -> bool:
    """Run a gate and print its words and evidence; True when it is green.

    Raises:
        BackfillError: the gate could not be measured.
    """
    asset = build_phase_gates(settings.warehouse)[number]
    resources = {name: found for name, found in build_resources(settings).items() if name != "notifier"}
    result = run_unpartitioned(asset, instance=instance, resources=resources, config=config)
    verdicts = _verdicts(instance, asset, result.run_id)
    whole = verdicts.pop(GATES[number].name, None)
    if whole is None:
        raise BackfillError(f"{asset.key.to_user_string()} could not be measured: {failure_text(result)}")
    if with_evidence:
        green = result.asset_materializations_for_node(asset.op.name)
        _print_evidence(green[0].metadata if green else whole.metadata)
        for verdict in verdicts.values():
            words = (verdict.description or "").splitlines()[0]
            console.print(f"{verdict.check_name}: {words}", highlight=False, markup=False)
    style = "green" if whole.passed else "red"
    console.print(whole.description or "", style=style, highlight=False, markup=False)
    return result.success


def _verdicts(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, run_id: str
) -> dict[str, dg.AssetCheckEvaluation]:
    """What the run said, by check; the result of an in-process run does not have it."""
    records = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(asset.check_keys))
    found: dict[str, dg.AssetCheckEvaluation] = {}
    for key, record in records.items():
        evaluation: object = record.evaluation
        if record.run_id == run_id and isinstance(evaluation, dg.AssetCheckEvaluation) and is_own(evaluation):
            found[key.name] = evaluation
    return dict(sorted(found.items()))


def _print_evidence(metadata: Mapping[str, dg.MetadataValue[Any]]) -> None:
    for name, value in metadata.items():
        if name not in _NOT_PRINTED and not name.endswith("_partition"):
            console.print(f"{name}\n{value.value}\n", highlight=False, markup=False)
