"""Gates of the coffee database as a whole, at the end of every run and in validation.

Some compare with what was before the run: ``mark`` takes that. The expected set is the modes' to know; they hand over
what it came to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backfill_pipelines.backfill.failures import GateNotMeasured
from backfill_pipelines.backfill.gates import SAMPLE_SIZE, Gate, Measurement, all_measured
from backfill_pipelines.coffee.digests import price_row_digest, state_rows
from backfill_pipelines.coffee.fold import fold, open_fold, run_file, touch_all
from backfill_pipelines.coffee.outside import Allowed, Content, Outside, compare_outside, look_outside
from backfill_pipelines.stores.postgres import Connection, read_value

ALTERED = "no_price_row_was_altered"
OUTSIDE = "live_rows_outside_scope_unchanged"
EXPECTED = "expected_set_is_accounted_for"
FOLD = "state_equals_fold"
_REPLAY = (
    "Replay the days of the named rows, after: backfill coffee backup --apply; run the "
    "plan of: "
    "backfill coffee plan full --from DAY --to DAY --roaster SLUG."
)


@dataclass(frozen=True)
class Mark:
    """What must be the same after a run."""

    #: Greatest id of the price rows, how many there are, and their digest.
    last_price: int
    prices: Content
    #: What a run must leave alone; or every row of the tables of state, where nothing is to change.
    outside: Outside | Mapping[str, Content]


@dataclass(frozen=True)
class ExpectedSet:
    """What the days of a scope came to: each must be in a state."""

    days: int
    #: Keys ``day|roaster`` without an explanation.
    unexplained: Sequence[str]


OVERALL_GATES = (
    Gate(
        "every_price_has_a_variant",
        "Every price row belongs to a variant.",
        "Restore the named rows from a verified backup: history is never deleted.",
        source="prices_have_variants",
    ),
    Gate("every_variant_has_a_coffee", "Every variant has a coffee.", _REPLAY, source="variants_have_coffees"),
    Gate(
        "every_row_agrees_on_its_roaster",
        "The copied roaster of a row is that of the row above it.",
        _REPLAY,
        source="roasters_agree",
    ),
    Gate(
        "price_current_is_newest_price",
        "Current price and currency of a variant are those of its newest effective price row.",
        _REPLAY,
        source="price_current",
    ),
    Gate(
        "no_duplicate_price_instants",
        "A variant has one price row an instant.",
        "Void all but the first of the named rows by price_corrections.",
        source="price_instants",
    ),
    Gate(
        ALTERED,
        "The price rows that were there before the run are as they were.",
        "Restore prices from the newest verified backup beside the database and compare.",
    ),
    Gate(FOLD, "Current state is the fold over all published observations.", _REPLAY, source="state_equals_fold"),
    Gate(
        "statuses_are_known",
        "No artifact is pending for an hour, no run ended without a status.",
        "Run the job coffee_reap_crashed, then replay the partitions of the named artifacts.",
        source="statuses_known",
    ),
    Gate(
        OUTSIDE,
        "Rows outside the scope of the run - other roasters, sources, products, days - are as they were.",
        "Look for another writer of the named rows; roll the run back: backfill coffee rollback ID --apply.",
    ),
    Gate(
        EXPECTED,
        "Every day of the scope is in exactly one state.",
        "Run the plan again and report the named days: this is a defect of the expected set.",
    ),
)


def mark(connection: Connection, allowed: Allowed | None = None) -> Mark:
    """Take down, before a run, what it must leave alone; without what it is allowed to change, that is everything."""
    last = int(read_value(connection, "SELECT COALESCE(max(id), 0) FROM prices"))
    outside = look_outside(connection, allowed, last) if allowed else state_rows(connection)
    return Mark(last, price_row_digest(connection, last), outside)


def measure_overall(
    connection: Connection, gate: Gate, *, before: Mark | None = None, expected: ExpectedSet | None = None
) -> Measurement:
    """One gate on the whole database.

    Args:
        connection: In a transaction: ``state_equals_fold`` needs temporary tables.
        gate: One of this module's.
        before: Of ``mark``; without it the two gates that compare with it cannot run.
        expected: Of the modes; without it the expected set cannot be judged.

    Raises:
        GateNotMeasured: the gate is none of this module's, or lacks what it compares with.
    """
    if gate.name == ALTERED and before:
        return _altered(before, price_row_digest(connection, before.last_price))
    if gate.name == OUTSIDE and before:
        return _outside(connection, before.outside)
    if gate.name == EXPECTED and expected:
        return all_measured(len(expected.unexplained), expected.days, expected.unexplained)
    if not gate.source or gate not in OVERALL_GATES:
        raise GateNotMeasured(f"{gate.name} cannot be measured without what it compares with")
    if gate.name == FOLD:
        open_fold(connection)
        touch_all(connection)
        fold(connection)
    (row,) = run_file(connection, f"gates/overall/{gate.source}").fetchall()
    return all_measured(int(row[1]), int(row[0]), list(row[2] or ())[:SAMPLE_SIZE])


def _altered(before: Mark, now: tuple[int, str]) -> Measurement:
    (rows, digest), (rows_now, digest_now) = before.prices, now
    if rows != rows_now:
        return Measurement(rows, rows_now, abs(rows - rows_now) or 1, (f"{rows} rows before, {rows_now} now",))
    culprits = () if digest == digest_now else (f"rows up to id {before.last_price} have another digest",)
    return Measurement(rows, rows - len(culprits), len(culprits), culprits)


def _outside(connection: Connection, before: Outside | Mapping[str, Content]) -> Measurement:
    if isinstance(before, Outside):
        return compare_outside(connection, before)
    now = state_rows(connection)
    changed = [f"{table}: {rows} rows, now {now[table][0]}" for table, (rows, _) in before.items()
               if now[table] != before[table]]  # fmt: skip
    return all_measured(len(changed), len(before), changed)
