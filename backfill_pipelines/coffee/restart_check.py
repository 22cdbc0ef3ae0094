"""Whether the recovery may go on after a restart: everything it stands on is looked at, and one red thing is enough.

A check that cannot run is red, never green.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.backfill.gates import Verdict, judge
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import ExpectedSet
from backfill_pipelines.coffee.intake import intake
from backfill_pipelines.coffee.migrations import require_migrated
from backfill_pipelines.coffee.operations import OperationWorld, Report, standing
from backfill_pipelines.coffee.overall_gates import OVERALL_GATES, mark
from backfill_pipelines.coffee.partition_gates import PARTITION_GATES, measure
from backfill_pipelines.coffee.replay import VERSIONS, derive_days, load_days
from backfill_pipelines.coffee.staging import render, stage
from backfill_pipelines.coffee.states import DayState
from backfill_pipelines.coffee.whole import overall_verdicts
from backfill_pipelines.stores.postgres import Connection, read_value

#: How far back the last ticks of a roaster are looked for: a monthly cadence has two in this time.
LOOKBACK = timedelta(days=70)
TICKS = 2
#: Days that nothing can be judged of: not there yet, nothing expected, or lost with the evidence kept.
_NOT_JUDGED = (DayState.NOT_DUE, DayState.EXPECTED_EMPTY, DayState.UNRECOVERABLE)
_PROBE = "control/restart-probe"


@dataclass(frozen=True)
class Checked:
    """One check: what it saw, and whether that is good."""

    name: str
    is_green: bool
    text: str


class _Red(BackfillError):
    """A check saw what must not be."""


def verify_restart(world: OperationWorld) -> Report:
    """Look at everything; changes nothing but a probe in the store of bodies."""
    checked = list(_all(world))
    after = {"green": sum(one.is_green for one in checked), "red": sum(not one.is_green for one in checked)}
    lines = [f"{'green' if one.is_green else 'RED  '} {one.name}: {one.text}" for one in checked]
    return Report("verify the restart", after, after, lines, is_green=not after["red"])


def _all(world: OperationWorld) -> Iterator[Checked]:
    checks: Mapping[str, Callable[[], str]] = {
        "the database answers": lambda: _answers(world),
        "the schema is current": lambda: _in_database(world, _migrated),
        "no lease has run out": lambda: _in_database(world, lambda connection: _leases(connection, world.clock())),
        "the store of bodies is writable": lambda: _writable(world),
        f"the gates of the last {TICKS} ticks are green": lambda: _ticks(world),
        "the overall gates are green": lambda: _overall(world),
        "the state of the intake is known": lambda: _in_database(world, _intake),
    }
    for name, check in checks.items():
        try:
            yield Checked(name, is_green=True, text=check())
        except _Red as error:
            yield Checked(name, is_green=False, text=str(error))
        except Exception as error:  # noqa: BLE001  (what cannot be looked at is red, whatever is in the way)
            yield Checked(name, is_green=False, text=f"could not run: {type(error).__name__}: {error}")


def _in_database(world: OperationWorld, look: Callable[[Connection], str]) -> str:
    with world.postgres.connect("coffee:verify") as connection:
        return look(connection)


def _answers(world: OperationWorld) -> str:
    return _in_database(
        world, lambda connection: f"{world.postgres.where}, version {read_value(connection, 'SHOW server_version')}"
    )


def _migrated(connection: Connection) -> str:
    require_migrated(connection)
    return f"migration {read_value(connection, 'SELECT max(id) FROM schema_migrations'):04}"


def _leases(connection: Connection, now: datetime) -> str:
    if late := standing(connection, now).get("leases: run out", 0):
        raise _Red(f"{late} leases have run out. Repair: backfill coffee reap --apply")
    return "none"


def _writable(world: OperationWorld) -> str:
    content = world.clock().isoformat().encode()
    world.objects.write(_PROBE, content)
    if dict(world.objects.read([_PROBE]))[_PROBE] != content:
        raise _Red(f"{_PROBE} is read otherwise than it was written. Repair: see the storage of BACKFILL_ARTIFACTS_URL")
    return "written and read back"


def _intake(connection: Connection) -> str:
    return intake(connection).text or "not paused"


def _ticks(world: OperationWorld) -> str:
    """Derive the days of the last ticks again and judge them; the staging is rolled back."""
    now = world.clock()
    with world.postgres.connect("coffee:verify") as connection:
        shops = load_shops(connection)
        expected = load_expected_set(connection, shops, (now - LOOKBACK).date(), now.date(), VERSIONS, now)
        keys = last_ticks(expected, now)
        if not keys:
            return "no roaster has had a tick"
        days = load_days(connection, keys)
        stage(connection, render(derive_days(world.artifacts, days.by_key.values(), days.sources), VERSIONS))
        # A tick may be met by a capture of the next day; a day that is missing one is red.
        met = days.empty - {day.key for day in expected.of(DayState.MISSING)}
        found = list[Verdict]()
        for gate in PARTITION_GATES:
            found += judge(gate, measure(connection, gate, keys, expected_empty=met), keys)
        connection.rollback()
    _require_green(found)
    return f"{len(found)} verdicts on {len(keys)} days"


def last_ticks(expected: ExpectedSet, now: datetime) -> Sequence[str]:
    """The days of each roaster's last ticks that something can be said of."""
    by_roaster: dict[str, list[str]] = {}
    for day in sorted(expected.days, key=lambda one: one.day, reverse=True):
        if day.state not in _NOT_JUDGED and any(tick.at <= now for tick in day.ticks):
            found = by_roaster.setdefault(day.roaster.slug, [])
            found += [day.key] if len(found) < TICKS else []
    return sorted(key for keys in by_roaster.values() for key in keys)


def _overall(world: OperationWorld) -> str:
    now = world.clock()
    with world.postgres.connect("coffee:verify") as connection:
        shops = load_shops(connection)
        expected = load_expected_set(connection, shops, (now - LOOKBACK).date(), now.date(), VERSIONS, now)
        verdicts = overall_verdicts(connection, mark(connection), expected)
        connection.rollback()
    _require_green(verdicts)
    return f"{len(OVERALL_GATES)} gates"


def _require_green(verdicts: Sequence[Verdict]) -> None:
    if red := [verdict.text for verdict in verdicts if verdict.is_red]:
        more = f" and {len(red) - TICKS} more" if len(red) > TICKS else ""
        raise _Red("; ".join(red[:TICKS]) + more)
