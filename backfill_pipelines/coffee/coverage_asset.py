"""The asset ``coffee/coverage``: the state of every roaster's day, and what the newest backfill did to prices.

It stores nothing: it is there so that the state of the whole recovery is one page of the UI.
"""

import base64
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import ExpectedSet
from backfill_pipelines.coffee.metrics import markdown_table, read_metrics
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.names import COFFEES, GROUP, OWNER, PRICES, VARIANTS
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, read_rows, read_value

if TYPE_CHECKING:
    from backfill_pipelines.coffee.price_picture import PriceHistory

PACKAGE = "backfill_pipelines.coffee"
KEY = dg.AssetKey(["coffee", "coverage"])
#: Variants in the picture of prices.
SAMPLE = 9

_DESCRIPTION = """Every day of every roaster in exactly one state, and prices before and after a backfill.

States are judged from the ticks that ought to be, never from the rows that happen to be there."""
_NEWEST = """SELECT p.backfill_run_id FROM prices p JOIN backfill_runs b ON b.id = p.backfill_run_id
ORDER BY p.id DESC LIMIT 1"""


class CoverageConfig(dg.Config):
    """Which days are shown, and of which backfill the prices."""

    first: str = Field(default="", description="First day, YYYY-MM-DD; default: 90 days before the last.")
    last: str = Field(default="", description="Last day, included; default: today.")
    backfill_run_id: str = Field(default="", description="The backfill of the prices; default: the newest.")

    def days(self, now: datetime) -> tuple[date, date]:
        """First and last day."""
        last = date.fromisoformat(self.last) if self.last else now.date()
        return (date.fromisoformat(self.first) if self.first else last - timedelta(days=90), last)


def build_coverage() -> dg.AssetsDefinition:
    """The asset."""

    @dg.asset(
        key=KEY,
        deps=[COFFEES, VARIANTS, PRICES],
        group_name=GROUP,
        kinds={"postgres", "python"},
        owners=[OWNER],
        description=_DESCRIPTION,
        required_resource_keys={"postgres"},
    )
    def coverage(context: dg.AssetExecutionContext, config: CoverageConfig) -> dg.MaterializeResult[Any]:
        now = datetime.now(UTC)
        first, last = config.days(now)
        with context.resources.postgres.connect("coffee:coverage") as connection:
            require_migrated(connection)
            found = load_expected_set(connection, load_shops(connection), first, last, VERSIONS, now)
            run = config.backfill_run_id or read_value(connection, _NEWEST)
            histories = price_histories(connection, uuid.UUID(str(run))) if run else []
        samples, health = read_metrics(context.resources.postgres, now)
        measured = {
            "coffee/health": health.text,
            "coffee/metrics": dg.MetadataValue.md(markdown_table(samples)),
            **({} if health.score is None else {"coffee/health_score": round(health.score, 2)}),
        }
        return dg.MaterializeResult(metadata={**coverage_metadata(found, histories), **measured})

    return coverage


def coverage_metadata(found: ExpectedSet, histories: Sequence["PriceHistory"]) -> Mapping[str, Any]:
    """The pictures, the counts and the account."""
    from backfill_pipelines.coffee.coverage_picture import draw_coverage  # loads matplotlib
    from backfill_pipelines.coffee.price_picture import draw_prices

    lines = list(found.lines())
    shown: dict[str, Any] = {"coffee/account": lines[-1], "coffee/states": dg.MetadataValue.md(_code(lines))}
    if found.days:
        shown["coffee/coverage"] = _picture(draw_coverage(found, "Coffee roasters, day by day"))
    if found.coverage is not None:
        shown["coffee/coverage_pct"] = round(100 * found.coverage, 2)
    if histories:
        shown["coffee/prices"] = _picture(draw_prices(histories, "Prices before and after the backfill"))
    return shown


def price_histories(connection: Connection, run_id: uuid.UUID, variants: int = SAMPLE) -> "list[PriceHistory]":
    """Price histories of a sample of variants that a backfill wrote prices of, without and with what it wrote."""
    from backfill_pipelines.coffee.price_picture import PriceHistory  # loads matplotlib

    rows = read_rows(connection, sql.load(PACKAGE, "price_sample"), {"run": run_id, "variants": variants})
    found = list[PriceHistory]()
    for _, group in groupby(rows, key=lambda row: row["variant_id"]):
        of_variant = list(group)
        before = [(row["scraped_at"], row["price"]) for row in of_variant if not row["is_of_run"]]
        after = [(row["scraped_at"], row["price"]) for row in of_variant]
        found.append(PriceHistory(of_variant[0]["name"], of_variant[0]["currency"], before, after))
    return found


def _code(lines: Sequence[str]) -> str:
    return "\n".join(["```", *lines, "```"])


def _picture(png: bytes) -> dg.MarkdownMetadataValue:
    """A PNG inside markdown: the event log is all that the UI needs."""
    return dg.MetadataValue.md(f"![picture](data:image/png;base64,{base64.b64encode(png).decode()})")
