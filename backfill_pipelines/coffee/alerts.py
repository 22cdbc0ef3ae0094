"""Alerts of the live intake: prices that jump, days without a capture, catalogues that shrink; muted by backfills.

While a backfill is under way nothing is told, up to the expiry that it has set; what is still so afterwards is told in
one message. Failures of a backfill are told by the backfill, muted or not.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import dagster as dg

from backfill_pipelines.coffee.health import expected_lately
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.mode_world import Tells
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.stores import sql
from backfill_pipelines.stores.postgres import Connection, Postgres, read_rows

PACKAGE = "backfill_pipelines.coffee"
#: What was observed before is history: a replay of it is no news.
LATELY = timedelta(hours=48)
#: Lines of one message.
MOST_LINES = 40


def _utc_now() -> datetime:
    return datetime.now(UTC)


def find_alerts(connection: Connection, now: datetime) -> Mapping[str, str]:
    """What there is to tell, in words, by a key that stays the same while it is the same."""
    since = {"since": now - LATELY}
    found: dict[str, str] = {}
    for row in read_rows(connection, sql.load(PACKAGE, "operations/price_alerts"), since):
        key = f"price {row['slug']} {row['scraped_at'].isoformat()}"
        found[key] = f"{row['slug']}: {row['count']} prices moved beyond its limit, most of all {row['largest']}"
    for day in expected_lately(connection, now).of(DayState.MISSING):
        found[f"freshness {day.key}"] = f"{day.key}: {day.reason or 'no capture'}"
    for row in read_rows(connection, sql.load(PACKAGE, "operations/volume_alerts"), since):
        key = f"volume {row['slug']} {row['observed_at'].isoformat()}"
        found[key] = f"{row['slug']}: the capture of {row['observed_at']:%Y-%m-%d %H:%M}Z lacks much of its catalogue"
    return found


def build_alert_sensor(clock: Callable[[], datetime] = _utc_now) -> dg.SensorDefinition:
    """The sensor that tells; it starts nothing."""

    @dg.sensor(
        name="coffee_alerts",
        description="Tells somebody, once, of prices that jump, days without a capture and catalogues that shrink. "
        "Silent while a backfill has muted it; then one message says what is still so. Starts nothing.",
        minimum_interval_seconds=600,
        default_status=dg.DefaultSensorStatus.STOPPED,
        required_resource_keys={"postgres", "notifier"},
    )
    def _sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        resources: Any = context.resources
        told = cast("list[str]", json.loads(context.cursor)) if context.cursor else []
        reason, cases = tell_new(resources.postgres, resources.notifier, told, clock())
        context.update_cursor(json.dumps(sorted(cases)))
        return dg.SkipReason(reason)

    return _sensor


def tell_new(postgres: Postgres, notifier: Tells, told: list[str], now: datetime) -> tuple[str, list[str]]:
    """Tell what was not told yet, in one message; why nothing was, or what, and the keys of all that was told."""
    with postgres.connect("coffee:alerts") as connection:
        muted = intake(connection).alerts_muted_until
        if muted is not None and muted > now:
            return f"alerts are muted until {muted:%Y-%m-%d %H:%M}Z", told
        cases = find_alerts(connection, now)
    new = [text for key, text in cases.items() if key not in told]
    if not new:
        return "nothing new to tell", list(cases)
    more = [f"and {len(new) - MOST_LINES} more"] if len(new) > MOST_LINES else []
    notifier.send(f"coffee: {len(new)} alerts", "\n".join([*new[:MOST_LINES], *more]))
    return f"{len(new)} alerts told", list(cases)
