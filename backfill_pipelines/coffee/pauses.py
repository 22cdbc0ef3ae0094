"""Pauses that a backfill minds: of the recovery's assets (``backfill pause coffee``), and of the live intake.

Paused assets stop a backfill before its next range, and a fetch before its next page. A paused intake stops no work
under way, but no shop is asked from then on. Either way what was not done waits, and the same plan goes on with it.
"""

import dagster as dg

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.pausing import pause_of
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.names import COFFEES, PRICES, PRODUCT_ARTIFACTS, SCRAPE_ARTIFACTS, VARIANTS
from backfill_pipelines.stores.postgres import Postgres

#: Error code of what waits for the end of a pause.
PAUSED = "paused"


class BackfillPaused(BackfillError):
    """The backfill was stopped by a pause; what is published stays, the rest waits."""


def assets_paused(instance: dg.DagsterInstance) -> str:
    """Why nothing of the recovery may run, with the command that ends the pause; empty when it may."""
    found = pause_of(instance, SCRAPE_ARTIFACTS, PRODUCT_ARTIFACTS, COFFEES, VARIANTS, PRICES)
    return found.text if found else ""


def intake_paused(postgres: Postgres, application_name: str) -> str:
    """Why no shop may be asked, with the command that ends the pause; empty when they may."""
    with postgres.connect(application_name) as connection:
        text = intake(connection).text
    return f"{text}. Resume: backfill coffee resume --apply" if text else ""
