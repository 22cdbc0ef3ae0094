"""The health of the recovery as one number, of real rows alone: unknown when one of its inputs cannot be measured.

What is in stock is the shops' matter and no part of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from backfill_pipelines.backfill.failures import BackfillError
from backfill_pipelines.coffee.evidence import load_expected_set, load_shops
from backfill_pipelines.coffee.expected_set import ExpectedSet
from backfill_pipelines.coffee.fold import run_file
from backfill_pipelines.coffee.replay import VERSIONS
from backfill_pipelines.stores.postgres import Connection, Postgres

#: The ticks that count.
WINDOW = timedelta(days=35)
#: How much a missing percent of each input costs.
WEIGHTS = {"coverage": 0.5, "run success": 0.3, "valid": 0.2}


@dataclass(frozen=True)
class Health:
    """Each input in percent, None where there are no rows to measure it by, with why in ``reasons``."""

    inputs: Mapping[str, float | None]
    reasons: Mapping[str, str]

    @property
    def score(self) -> float | None:
        """From 0 to 100; None when an input is unknown."""
        lost = 0.0
        for name, weight in WEIGHTS.items():
            value = self.inputs.get(name)
            if value is None:
                return None
            lost += weight * (100.0 - value)
        return 100.0 - lost

    @property
    def state(self) -> str:
        """``known`` or ``unknown``."""
        return "unknown" if self.score is None else "known"

    @property
    def text(self) -> str:
        """In words, with the inputs it is made of."""
        shown = "unknown" if self.score is None else f"{self.score:.1f} of 100"
        parts = [f"{name} {'unknown' if value is None else f'{value:.1f} %'}" for name, value in self.inputs.items()]
        why = [f"{name}: {reason}" for name, reason in self.reasons.items()]
        return f"{shown} ({', '.join(parts)})" + "".join(f"; {one}" for one in why)


def read_health(postgres: Postgres, now: datetime) -> Health:
    """The health at a moment; an input whose query fails is unknown."""
    ways: Mapping[str, Callable[[Connection], float | None]] = {
        "coverage": lambda connection: _coverage(expected_lately(connection, now)),
        "run success": lambda connection: _share(connection, "runs", now),
        "valid": lambda connection: _share(connection, "valid", now),
    }
    inputs: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    for name, ask in ways.items():
        try:
            with postgres.connect("coffee:health") as connection:
                inputs[name] = ask(connection)
        except BackfillError as error:
            inputs[name], reasons[name] = None, f"could not be asked: {error}"
        else:
            if inputs[name] is None:
                reasons[name] = f"no rows of the last {WINDOW.days} days"
    return Health(inputs, reasons)


def expected_lately(connection: Connection, now: datetime) -> ExpectedSet:
    """The expected set of the window."""
    return load_expected_set(connection, load_shops(connection), (now - WINDOW).date(), now.date(), VERSIONS, now)


def _coverage(expected: ExpectedSet) -> float | None:
    return None if expected.coverage is None else 100.0 * expected.coverage


def _share(connection: Connection, what: str, now: datetime) -> float | None:
    values = {"first": (now - WINDOW).date(), "last": now.date()}
    good, total = run_file(connection, f"operations/health_{what}", values).fetchall()[0]
    return 100.0 * good / total if total else None
