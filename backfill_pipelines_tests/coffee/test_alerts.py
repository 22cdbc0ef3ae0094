"""Alerts are told once, muted while a backfill runs and no longer than it has set, and never of history."""

from datetime import datetime, timedelta

import pytest

from backfill_pipelines.coffee.alerts import find_alerts, tell_new
from backfill_pipelines.coffee.intake import mute_alerts, unmute_alerts
from backfill_pipelines.coffee.model import Source
from backfill_pipelines.stores.postgres import Postgres, execute
from backfill_pipelines_tests.coffee.observed import at, body, product, publish_all
from backfill_pipelines_tests.coffee.operated import Told, add_artifact

NOW = at(28) + timedelta(hours=2)


def publish_weeks(postgres: Postgres, source: Source) -> None:
    """One price moves by a twentieth, which is within the limit of a tenth, another by half."""
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE roasters SET active_from = '2025-09-20', active_to = '2025-09-29'")
    publish_all(postgres, body(source, at(21), [product("1", {"11": "100", "12": "100"})]))
    publish_all(postgres, body(source, at(28), [product("1", {"11": "105", "12": "150"})]))


def found(postgres: Postgres, now: datetime) -> list[str]:
    with postgres.connect("test") as connection:
        return list(find_alerts(connection, now).values())


def test_a_price_beyond_its_roasters_limit_is_told_and_history_is_not(postgres: Postgres, source: Source) -> None:
    publish_weeks(postgres, source)
    (line,) = found(postgres, NOW)
    assert line.startswith("blue-tokai: 1 prices moved beyond its limit")
    assert line.endswith("100.000 to 150.000 INR")
    assert not found(postgres, NOW + timedelta(days=3))


@pytest.mark.usefixtures("source")
def test_a_day_whose_capture_is_missing_is_told(postgres: Postgres) -> None:
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE roasters SET active_from = '2025-09-20', active_to = '2025-09-25'")
    (line,) = found(postgres, NOW)
    assert line.startswith("2025-09-21|blue-tokai: ")


def test_a_catalogue_that_shrinks_is_told(postgres: Postgres, source: Source) -> None:
    with postgres.connect("test") as connection:
        execute(connection, "UPDATE roasters SET active_from = '2025-09-28', active_to = '2025-09-29'")
    codes = '[{"code": "R_CATALOGUE_DROP", "products": 3}]'
    add_artifact(postgres, source, "needs_review", validation_errors=codes, normalizer_version="1.0.0")
    assert any("lacks much of its catalogue" in line for line in found(postgres, NOW))


def test_muted_alerts_come_in_one_message_when_the_muting_ends(postgres: Postgres, source: Source) -> None:
    publish_weeks(postgres, source)
    somebody = Told()
    with postgres.connect("test") as connection:
        until = mute_alerts(connection, NOW, 3600)
    reason, told = tell_new(postgres, somebody, [], NOW)
    assert (reason, told, somebody.messages) == (f"alerts are muted until {until:%Y-%m-%d %H:%M}Z", [], [])
    # The expiry ends it even when the backfill was killed and never unmuted.
    _, told = tell_new(postgres, somebody, told, until)
    assert [title for title, _ in somebody.messages] == ["coffee: 1 alerts"]
    reason, _ = tell_new(postgres, somebody, told, until)
    assert (reason, len(somebody.messages)) == ("nothing new to tell", 1)


def test_a_backfill_that_is_over_lets_alerts_be_told_again(postgres: Postgres, source: Source) -> None:
    publish_weeks(postgres, source)
    with postgres.connect("test") as connection:
        mute_alerts(connection, NOW, 3600)
        connection.execute("UPDATE backfill_runs SET status = 'ok'")
        unmute_alerts(connection)
    somebody = Told()
    tell_new(postgres, somebody, [], NOW)
    assert len(somebody.messages) == 1
