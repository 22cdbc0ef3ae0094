"""``backfill receipts refresh-ids``: ask Google, for nothing, whether place ids older than a year still hold."""

from contextlib import closing
from datetime import UTC, datetime
from typing import Annotated

import typer

from backfill_pipelines.cli_console import PARKED, STOPPED, console, reported, show_error
from backfill_pipelines.migration_resource import build_migration
from backfill_pipelines.receipts.call_ledger import CallLedger
from backfill_pipelines.receipts.fetch_report import FetchReport, IdOutcome, PlacesStopped
from backfill_pipelines.receipts.id_refresh import IdAges, id_ages, refresh_ids
from backfill_pipelines.receipts.ledger import RecordLedger
from backfill_pipelines.receipts.verification import plan_of
from backfill_pipelines.settings import Settings, read_settings
from backfill_pipelines.stores.resources import build_control, build_items, build_objects, build_places


@reported
def refresh(
    *, apply: Annotated[bool, typer.Option("--apply", help="Make the calls. Without it the ids are counted.")] = False
) -> None:
    """Refresh the place ids of the plan whose last answer is older than 12 months, by calls that cost nothing.

    Exit code 0: done; 3: parked for the quota or unanswered, go on with the same command; 4: the key was refused.
    """
    settings, now = read_settings(), datetime.now(UTC)
    objects = build_objects(settings)
    with closing(build_control(settings)) as control:
        plan = plan_of(objects, build_items(settings).named())
        place_ids = {entry.place_id for entry in RecordLedger(control, plan.plan_id).entries().values()}
        found, report = id_ages(objects, place_ids, now), None
        if apply and found.old:
            report = _called(settings, CallLedger.of(control, build_migration(settings)), found, now)
            found = id_ages(objects, place_ids, datetime.now(UTC))
    _show(found)
    if report is not None and not report.is_complete:
        left = [one for one in report.fetched.values() if one.outcome in (IdOutcome.PARKED, IdOutcome.FAILED)]
        console.print(f"{len(left):,} ids were not answered for, e.g. {left[0].detail}", style="red", highlight=False)
        raise typer.Exit(PARKED)


def _called(settings: Settings, ledger: CallLedger, found: IdAges, now: datetime) -> FetchReport:
    with closing(build_places(settings)) as places:
        try:
            return refresh_ids(
                found.old,
                run_id=f"id-refresh-{now:%Y%m%d}",
                objects=build_objects(settings),
                client=places.client(),
                ledger=ledger,
                settings=build_migration(settings),
            )
        except PlacesStopped as error:
            show_error(error)
            raise typer.Exit(STOPPED) from error


def _show(found: IdAges) -> None:
    console.print(found.text, highlight=False)
    for place_id, now_called in found.moved.items():
        console.print(f"moved: {place_id} is now {now_called}", highlight=False, markup=False)
    for place_id, reason in found.gone.items():
        console.print(f"gone: {place_id}, {reason}", highlight=False, markup=False)
